package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Versioner = (*Store)(nil)
)

// A Store is an open database. Its methods may be called from several
// goroutines. Only [Open] makes one: the zero Store must not be used.
type Store struct {
	path     string // as given to Open, for errors
	file     string // where that is
	readOnly bool
	opts     Options
	readers  *pool
	writers  *pool // of one
	purgers  *pool // of one
	watchers watchers

	closing sync.Once
	closed  chan struct{}
}

func newStore(path string, f file, opts Options) *Store {
	s := &Store{path: path, file: f.path, readOnly: f.readOnly, opts: opts, closed: make(chan struct{})}
	s.readers = newPool(maxReaders, s.closed, s.connectReader)
	s.writers = newPool(1, s.closed, s.connectWriter)
	s.purgers = newPool(1, s.closed, s.connectPurger)
	s.watchers.init(s)
	return s
}

// The statements of the three calls. A key is TEXT and compared byte by byte,
// as BINARY, the default collation, does.
const (
	// sqlValue is a value, or nothing of one that is larger than an entry may be:
	// no Store has put that there, and a page of them would fill the memory.
	sqlValue = "iif(length(value) <= 1048576, value, x'')"

	sqlVersion = "SELECT version FROM entries WHERE key = ?"
	sqlGet     = "SELECT version, " + sqlValue + " FROM entries WHERE key = ?"
	sqlList    = "SELECT version, " + sqlValue + ", key FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
	sqlPut     = "INSERT INTO entries (key, value, version) VALUES (?, ?, ?)" +
		" ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version"
	sqlDelete = "DELETE FROM entries WHERE key = ?"
)

// Get implements [storage.Store].
func (s *Store) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	var found []storage.Entry
	err := s.read(ctx, func(c *conn) error {
		found = make([]storage.Entry, 0, len(keys))
		for _, key := range keys {
			err := c.query(sqlGet, func(row *sqlite3.Stmt) error {
				return appendEntry(&found, key, row)
			}, key)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	var found []storage.Entry
	from, to := bounds(prefix, after)
	err := s.read(ctx, func(c *conn) error {
		found = nil
		return c.query(sqlList, func(row *sqlite3.Stmt) error {
			return appendEntry(&found, row.ColumnText(2), row)
		}, from, to, int64(limit))
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// bounds returns the first key that a list may contain and what is greater
// than all of them.
func bounds(prefix, after string) (from string, to any) {
	from = prefix
	if after >= prefix {
		from = after + "\x00" // the next string in byte order
	}
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return from, []byte{} // a blob: it is greater than every text
	}
	end[len(end)-1]++
	return from, string(end)
}

func appendEntry(entries *[]storage.Entry, key string, row *sqlite3.Stmt) error {
	version := row.ColumnInt64(0)
	if version < 1 {
		// Such an entry would pass for an absent one in a check.
		return fmt.Errorf("%w: entry %q has version %d", ErrCorrupt, key, version)
	}
	*entries = append(*entries, storage.Entry{
		Key:     key,
		Value:   bytes.Clone(row.ColumnRawBlob(1)),
		Version: uint64(version),
	})
	return nil
}

// read runs fn at one instant.
func (s *Store) read(ctx context.Context, fn func(*conn) error) error {
	return s.fail(ctx, s.view(ctx, fn), false)
}

// view runs fn, and from the beginning if the connection had to be replaced.
func (s *Store) view(ctx context.Context, fn func(*conn) error) error {
	until := time.Now().Add(s.opts.BusyTimeout)
	for {
		err := s.tryView(ctx, until, fn)
		if errors.Is(err, errMoved) {
			s.watchers.lost.Store(true)
		}
		if !needsAnother(err) || !pause(ctx, s.closed, until) {
			return err
		}
	}
}

func (s *Store) tryView(ctx context.Context, until time.Time, fn func(*conn) error) error {
	c, err := s.readers.take(ctx, until)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	return c.do(ctx, until, func() error {
		if err := c.stays(); err != nil {
			return err
		}
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		return c.exec("COMMIT")
	})
}

// Commit implements [storage.Store].
func (s *Store) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := s.CommitVersion(ctx, batch)
	return err
}

// CommitVersion implements [storage.Versioner].
func (s *Store) CommitVersion(ctx context.Context, batch storage.Batch) (uint64, error) {
	until := time.Now().Add(s.opts.BusyTimeout)
	c, err := s.takeFrom(ctx, s.writers, until)
	if err != nil {
		return 0, s.fail(ctx, err, false)
	}
	var version int64
	stage := func() (err error) { version, err = c.stage(batch); return err }
	if err := c.do(ctx, until, stage); err != nil {
		s.writers.put(c)
		return 0, s.fail(ctx, err, false)
	}
	if err := s.finish(ctx, c); err != nil || len(batch.Puts) == 0 {
		return 0, err
	}
	return uint64(version), nil
}

// takeFrom takes a connection that writes.
func (s *Store) takeFrom(ctx context.Context, writers *pool, until time.Time) (*conn, error) {
	if err := writers.usable(ctx); err != nil {
		return nil, err
	}
	if s.readOnly {
		return nil, fmt.Errorf("%w: opened for reading only", fs.ErrPermission)
	}
	return writers.take(ctx, until)
}

// stage does all of a commit but the COMMIT. The checks are read after BEGIN
// IMMEDIATE, which keeps every other writer out until the end; the version is
// that of this commit, if it writes.
func (c *conn) stage(batch storage.Batch) (version int64, err error) {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	if err := c.stays(); err != nil {
		return 0, err
	}
	if err := c.check(batch.Checks); err != nil {
		return 0, err
	}
	if len(batch.Puts)+len(batch.Deletes) == 0 {
		return 0, nil
	}
	if version, err = c.nextVersion(batch); err != nil {
		return 0, err
	}
	return version, c.write(batch, version)
}

func (c *conn) check(checks []storage.Check) error {
	for _, check := range checks {
		version, err := c.number(sqlVersion, check.Key)
		if err != nil {
			return err
		}
		if uint64(version) != check.Version {
			return storage.ErrConflict
		}
	}
	return nil
}

func (c *conn) write(batch storage.Batch, version int64) error {
	for _, put := range batch.Puts {
		if err := c.exec(sqlPut, put.Key, put.Value, version); err != nil {
			return err
		}
	}
	for _, key := range batch.Deletes {
		if err := c.exec(sqlDelete, key); err != nil {
			return err
		}
	}
	return nil
}

// grace is how long a call whose context has ended waits for a COMMIT under
// way: nearly always the outcome is known before.
const grace = 100 * time.Millisecond

// finish commits. Nothing interrupts that, and on a disk that hangs it may
// take long; a caller who does not want to wait is told that the outcome is
// unknown, and the connection comes back when it is done.
func (s *Store) finish(ctx context.Context, c *conn) error {
	done := make(chan error, 1)
	go func() {
		err := c.do(context.Background(), c.until, func() error { return c.exec("COMMIT") })
		s.writers.put(c)
		s.watchers.look()
		done <- s.fail(context.Background(), err, true)
	}()
	if answered, err := await(ctx, done); answered {
		return err
	}
	return named(s.path, fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, ctx.Err()))
}

// await returns what a goroutine says until ctx has ended, and for a little while
// after that.
func await(ctx context.Context, done <-chan error) (answered bool, err error) {
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return true, err
	case <-time.After(grace):
		return false, nil
	}
}

// Close implements [storage.Store]. It waits for the calls that are under way,
// and ends their waits for locks.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.watchers.end()
		s.purgers.drain(func(*conn) {})
		s.readers.drain(func(*conn) {})
		s.writers.drain((*conn).clean)
	})
	return nil
}

// clean empties the -wal file, unless somebody is reading it, so that nothing
// that was deleted stays there.
func (c *conn) clean() { _ = c.do(context.Background(), time.Time{}, c.emptyWAL) }

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Format prints "sqlite.Store", with every verb: package fmt would go through fields that
// calls change meanwhile.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "sqlite.Store") }
