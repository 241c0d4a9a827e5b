package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var _ storage.Purger = (*Store)(nil)

// errHeld says that a transaction has outlasted the wait of a Purge.
var errHeld = fmt.Errorf("%w: its -wal file is in use: somebody goes on reading what was there before, or writes", storage.ErrUnavailable)

// Purge implements [storage.Purger]. Its files are the database, -wal and -shm:
// it writes the database anew without what was deleted, and empties -wal.
//
// It takes the time, and on the disk of the database the space, of writing all
// entries once: about a second for 200 MB. If there are more than a few
// megabytes it also needs a temporary file of that size, without a name where
// the system has such, in the folder that SQLITE_TMPDIR names or else in the
// system's.
//
// Readers are not held up. A Commit, of any process, waits while the entries
// are written and while Purge waits for readers, but not longer than its
// [Options.BusyTimeout]. Purge itself waits as long for another writer, and
// then for those who are still reading what was there before, in any process;
// after that it answers [storage.ErrUnavailable]. On a Store that may only read
// it is [io/fs.ErrPermission].
func (s *Store) Purge(ctx context.Context) error {
	c, err := s.takeFrom(ctx, s.purgers, time.Now().Add(s.opts.BusyTimeout))
	if err != nil {
		return s.fail(ctx, err, false)
	}
	done := make(chan error, 1)
	go func() {
		err := c.purge(ctx, s.opts.BusyTimeout)
		c.broken = true // it is of no use for anything else
		s.purgers.put(c)
		done <- s.fail(ctx, err, false)
	}()
	if answered, err := await(ctx, done); answered {
		return err
	}
	return ctx.Err() // copying the pages is not interrupted
}

// connectPurger opens the connection of one Purge. What VACUUM puts aside may
// be larger than the memory that a connection has.
func (s *Store) connectPurger(ctx context.Context, until time.Time) (*conn, error) {
	return s.connect(ctx, until, "PRAGMA temp_store=FILE")
}

// purge waits so long for others before each of its steps. VACUUM is needed
// beside secure_delete: when a page of the tree is divided, SQLite moves
// entries to another page and leaves the bytes of their old place where they
// are, with nothing that refers to them.
func (c *conn) purge(ctx context.Context, patience time.Duration) error {
	for _, step := range []func() error{c.rewrite, c.emptyWAL} {
		if err := c.do(ctx, time.Now().Add(patience), step); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) rewrite() error {
	if err := c.stays(); err != nil {
		return err
	}
	return c.exec("VACUUM")
}

// emptyWAL brings the main file up to date and cuts -wal off. SQLite calls it
// no error if readers keep it from doing so.
func (c *conn) emptyWAL() error {
	held, err := c.number("PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return err
	}
	if held != 0 {
		return errHeld
	}
	return nil
}
