package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
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
	file   vfs.FileSharedMemory
}

// settings of every connection.
//
// A file that somebody has edited may contain a trigger, a view or functions
// in its schema: none of them runs. journal_size_limit is what a -wal file
// that has grown is cut to; that it is set also has it emptied at the end,
// see persist.
const settings = `
PRAGMA synchronous=FULL;
PRAGMA secure_delete=ON;
PRAGMA trusted_schema=OFF;
PRAGMA cell_size_check=ON;
PRAGMA foreign_keys=OFF;
PRAGMA temp_store=MEMORY;
PRAGMA mmap_size=0;
PRAGMA journal_size_limit=4194304;
`

// maxRow bounds what is read into memory from a file that somebody has edited:
// an entry, and the keys of a commit, with room to spare.
const maxRow = 4 << 20

// connectReader and connectWriter open the two kinds of connection. A reader
// of a Store that may write opens the files for writing as well: it may be the
// first one after a crash, and then has to repair the -shm file.
func (s *Store) connectReader(ctx context.Context, until time.Time) (*conn, error) {
	return s.connect(ctx, until, "PRAGMA query_only=ON")
}

func (s *Store) connectWriter(ctx context.Context, until time.Time) (*conn, error) {
	return s.connect(ctx, until, "PRAGMA query_only=OFF")
}

func (s *Store) connect(ctx context.Context, until time.Time, kind string) (*conn, error) {
	c, err := s.dial(ctx, until)
	if err != nil {
		return nil, err
	}
	err = c.do(ctx, until, func() error {
		if err := c.exec(kind); err != nil {
			return err
		}
		return c.identify()
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// dial opens a connection, to whatever database it is.
func (s *Store) dial(ctx context.Context, until time.Time) (c *conn, err error) {
	defer recoverFault(&err)
	flags := sqlite3.OPEN_URI | sqlite3.OPEN_NOFOLLOW | sqlite3.OPEN_READWRITE
	if s.readOnly {
		flags = sqlite3.OPEN_URI | sqlite3.OPEN_NOFOLLOW | sqlite3.OPEN_READONLY
	}
	db, err := sqlite3.OpenFlags(s.uri(), flags)
	if err != nil {
		return nil, err
	}
	c = &conn{db: db, stmts: map[string]*sqlite3.Stmt{}, closed: s.closed}
	if err := c.do(ctx, until, c.configure); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// uri names the file system beside the file, which there is no other way to
// do. Escaping keeps a path from naming anything else.
func (s *Store) uri() string {
	path := url.URL{Path: filepath.ToSlash(s.file)}
	uri := "file:" + path.EscapedPath() + "?vfs=" + url.QueryEscape(s.opts.system)
	if s.readOnly {
		uri += "&mode=ro"
	}
	return uri
}

func (c *conn) configure() error {
	if err := c.db.BusyHandler(c.wait); err != nil {
		return err
	}
	switches := []struct {
		option sqlite3.DBConfig
		on     bool
	}{
		{sqlite3.DBCONFIG_DEFENSIVE, true},
		{sqlite3.DBCONFIG_ENABLE_TRIGGER, false},
		{sqlite3.DBCONFIG_ENABLE_VIEW, false},
	}
	for _, s := range switches {
		if _, err := c.db.Config(s.option, s.on); err != nil {
			return err
		}
	}
	c.db.Limit(sqlite3.LIMIT_LENGTH, maxRow)
	// persist: -wal and -shm stay for those who may only read, and could not
	// create them.
	if _, err := c.db.FileControl("main", sqlite3.FCNTL_PERSIST_WAL, true); err != nil {
		return err
	}
	file, err := c.db.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return err
	}
	c.file = file.(vfs.FileSharedMemory)
	return c.db.Exec(settings)
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
