package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A conn is one connection, used by one goroutine at a time.
type conn struct {
	db     *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	closed <-chan struct{} // of the Store
	until  time.Time       // when to give up waiting for a lock
	broken bool            // to be closed instead of used again
	faulty bool            // the binding has panicked
	file   databaseFile
}

// A databaseFile is the main file with its -shm, as the binding has it.
type databaseFile interface {
	vfs.FileSharedMemory
	vfs.FileHasMoved
}

// do runs fn, which gives up when ctx ends, and waits for locks no longer than
// until. Whatever transaction fn has left open when it fails is rolled back.
func (c *conn) do(ctx context.Context, until time.Time, fn func() error) (err error) {
	defer func() {
		c.faulty = errors.Is(err, errFault)
		c.broken = spoils(err) || err != nil && !c.db.GetAutocommit()
	}()
	defer recoverFault(&err)
	c.until = until
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	if err := fn(); err != nil {
		c.db.SetInterrupt(context.Background())
		return errors.Join(err, c.rollback())
	}
	return nil
}

// stays says that the file which is open is still the one under its name. What
// is written to another is lost, and nobody else sees it.
func (c *conn) stays() error {
	if moved, err := c.file.HasMoved(); moved && err == nil {
		return errMoved
	}
	return nil
}

func (c *conn) rollback() error {
	if c.db.GetAutocommit() {
		return nil
	}
	return c.exec("ROLLBACK")
}

// recoverFault turns a panic of the binding into an error. SQLite runs there
// in a memory of its own with checked bounds, so that what a damaged file may
// cause in it ends one call, and not the program.
func recoverFault(err *error) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("%w: %v", errFault, fault)
	}
}

// The waits between two attempts to take a lock are short and random, and do
// not grow: with growing ones, as SQLite has them, those who came last are
// served first and may wait forever.
const (
	minWait = 100 * time.Microsecond
	maxWait = time.Millisecond
)

// wait is asked by SQLite after each attempt to take a lock whether to try
// again.
func (c *conn) wait(ctx context.Context, _ int) bool {
	return pause(ctx, c.closed, c.until)
}

// pause waits for a moment, and reports false when it is time to give up.
func pause(ctx context.Context, closed <-chan struct{}, until time.Time) bool {
	if !time.Now().Before(until) {
		return false
	}
	timer := time.NewTimer(minWait + rand.N(maxWait-minWait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-closed:
		return false
	}
}

// prepare returns the statement of a constant text. It stays prepared as long
// as the connection.
func (c *conn) prepare(sql string) (*sqlite3.Stmt, error) {
	if stmt := c.stmts[sql]; stmt != nil {
		return stmt, nil
	}
	stmt, _, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = stmt
	return stmt, nil
}

// query runs a statement and calls row for each row. What row is given is
// valid until it returns.
func (c *conn) query(sql string, row func(*sqlite3.Stmt) error, args ...any) error {
	stmt, err := c.prepare(sql)
	if err != nil {
		return err
	}
	if err := bind(stmt, args); err != nil {
		return err
	}
	for stmt.Step() {
		if err := row(stmt); err != nil {
			_ = stmt.Reset() // there was no error before
			return err
		}
	}
	err = stmt.Err()
	if reset := stmt.Reset(); err == nil {
		return reset
	}
	return err
}

func bind(stmt *sqlite3.Stmt, args []any) error {
	for i, arg := range args {
		var err error
		switch arg := arg.(type) {
		case string:
			err = stmt.BindText(i+1, arg)
		case []byte:
			if arg == nil {
				arg = []byte{} // nil would be NULL
			}
			err = stmt.BindBlob(i+1, arg)
		case int64:
			err = stmt.BindInt64(i+1, arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) exec(sql string, args ...any) error {
	return c.query(sql, func(*sqlite3.Stmt) error { return nil }, args...)
}

// number returns the only column of the only row, or 0.
func (c *conn) number(sql string, args ...any) (n int64, err error) {
	err = c.query(sql, func(row *sqlite3.Stmt) error { n = row.ColumnInt64(0); return nil }, args...)
	return n, err
}

func (c *conn) text(sql string) (s string, err error) {
	err = c.query(sql, func(row *sqlite3.Stmt) error { s = row.ColumnText(0); return nil })
	return s, err
}

// close gives up what a connection holds. Nothing can be lost here: what was
// acknowledged is on the disk.
//
// After a fault SQLite is not called again, since it would go on where it was,
// be it in the middle of a COMMIT. Taking the file away from it releases the
// locks, and leaves everything as a killed process would.
func (c *conn) close() {
	if c.faulty {
		c.abandon()
		return
	}
	for _, stmt := range c.stmts {
		_ = stmt.Close() // repeats the error of its last use
	}
	_ = c.db.Close()
}

func (c *conn) abandon() {
	if c.file == nil {
		return
	}
	unlock(c.file.SharedMemory())
	_ = c.file.Close()
}
