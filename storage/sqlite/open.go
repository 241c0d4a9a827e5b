package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Options are the optional parameters of [Open]. The zero value is what most
// programs want.
type Options struct {
	// ReadOnly makes Commit answer [io/fs.ErrPermission] and creates
	// nothing. Without it, a Store is read-only only if the user may not
	// write to the file.
	ReadOnly bool

	// BusyTimeout is how long a call waits for other writers before it
	// answers [storage.ErrUnavailable]. 0 stands for 5 seconds.
	BusyTimeout time.Duration

	// PollInterval is how soon Changes reports what another process has
	// committed. A look costs microseconds, and none is taken while nobody
	// waits for changes. 0 stands for 50 milliseconds.
	PollInterval time.Duration

	// system is the name of the VFS to use; tests put one that fails here.
	system string
}

const (
	defaultBusyTimeout  = 5 * time.Second
	defaultPollInterval = 50 * time.Millisecond

	// maxReaders is how many calls read at the same time. Each connection
	// costs about 1 MB and three file descriptors, and is opened when first
	// needed.
	maxReaders = 4
)

func (o *Options) orDefault() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.BusyTimeout < 0 || opts.PollInterval < 0 {
		return Options{}, errors.New("a negative duration in the options")
	}
	if opts.BusyTimeout == 0 {
		opts.BusyTimeout = defaultBusyTimeout
	}
	if opts.PollInterval == 0 {
		opts.PollInterval = defaultPollInterval
	}
	if opts.system == "" {
		// The binding takes file systems by name only. The same value,
		// without a state, is registered each time.
		opts.system = "github.com/seed-9f6dc42a/secrets"
		vfs.Register(opts.system, newSystem())
	}
	return opts, nil
}

// Open opens the database at path, and creates it if there is none and if
// opts, which may be nil, does not say ReadOnly. The folder must exist. The
// package comment says who may use the files, and how.
//
// Open changes no file that is not a database of this package. It fails with
// [io/fs.ErrInvalid] if the path is empty, holds a NUL byte or is a URL, with
// [ErrNotDatabase], [ErrForeign], [ErrNewer] or [ErrCorrupt], with
// [storage.ErrUnavailable] if the file stays locked, or with the error of the
// operating system: [io/fs.ErrNotExist], [io/fs.ErrPermission] and others.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := opts.orDefault()
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	f, err := locate(path, o.ReadOnly)
	if err != nil {
		return nil, named(path, withoutPath(err))
	}
	s := newStore(path, f, o)
	if err := s.begin(ctx, f); err != nil {
		err = s.fail(ctx, err, false)
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// begin brings the file into the state that every connection expects, and
// opens the first one, so that what is wrong with the file is said by Open.
func (s *Store) begin(ctx context.Context, f file) error {
	if !f.ready {
		if err := s.initialize(ctx, time.Now().Add(s.opts.BusyTimeout)); err != nil {
			return err
		}
	}
	return s.view(ctx, func(*conn) error { return nil })
}

const (
	applicationID = 0x53454352 // "SECR" in the header, where file(1) looks
	schemaVersion = 1
)

// schema of a new database. Entries have a rowid: with the values inside the
// tree of the keys, reading one of 3,000 bytes takes three times as long, one
// of 64 KiB five times.
//
// The greatest version in commits is the version of the store. Its keys are
// those that the commit has written, joined by newlines.
const schema = `
CREATE TABLE entries (
	key     TEXT    NOT NULL PRIMARY KEY,
	value   BLOB    NOT NULL,
	version INTEGER NOT NULL
) STRICT;
CREATE TABLE commits (
	version INTEGER NOT NULL PRIMARY KEY,
	keys    TEXT    NOT NULL
) STRICT;
INSERT INTO commits VALUES (1, '');
`

// initialize creates the schema unless another process was faster, and
// switches to WAL. The order matters: the schema is committed to the main file
// before there is a -wal file, so that the header always says whose it is.
func (s *Store) initialize(ctx context.Context, until time.Time) error {
	c, err := s.dial(ctx, until)
	if err != nil {
		return err
	}
	defer c.close()
	return c.do(ctx, until, func() error {
		if err := c.create(); err != nil {
			return err
		}
		return c.useWAL(ctx, until)
	})
}

func (c *conn) create() error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if tables > 0 {
		if err := c.identify(); err != nil {
			return err
		}
		return c.exec("ROLLBACK")
	}
	identity := fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;", applicationID, schemaVersion)
	return c.db.Exec(schema + identity + "COMMIT")
}

// useWAL repeats what SQLite does not wait for itself: this lock cannot be
// waited for while holding another.
func (c *conn) useWAL(ctx context.Context, until time.Time) error {
	for {
		mode, err := c.text("PRAGMA journal_mode=WAL")
		if err == nil && mode != "wal" {
			return errors.New("the file system does not support shared memory")
		}
		if !errors.Is(err, sqlite3.BUSY) || !c.wait(ctx, 0) {
			return err
		}
	}
}

// identify says whether the database is one of this package.
func (c *conn) identify() error {
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	return checkIdentity(uint32(id), uint32(version))
}

func checkIdentity(id, version uint32) error {
	if id != applicationID {
		return ErrForeign
	}
	if version > schemaVersion {
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, version, schemaVersion)
	}
	if version < schemaVersion {
		return fmt.Errorf("%w: version %d", ErrCorrupt, version)
	}
	return nil
}
