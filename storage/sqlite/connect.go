package sqlite

import (
	"context"
	"net/url"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// settings of every connection, beside those of configure. journal_size_limit
// is what a -wal file that has grown is cut to; that it is set also has it
// emptied at the end, see keepFiles.
const settings = `
PRAGMA synchronous=FULL;
PRAGMA secure_delete=ON;
PRAGMA cell_size_check=ON;
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

// configure puts the settings of every connection into force.
//
// A file that somebody has edited may contain a trigger, a view or functions
// in its schema: none of them runs. QPSG stands for plans that do not depend on
// what is bound. Without it SQLite prepares sqlList twice, the second time when
// it knows the limit.
func (c *conn) configure() error {
	if err := c.db.BusyHandler(c.wait); err != nil {
		return err
	}
	if err := c.keepFiles(); err != nil {
		return err
	}
	c.db.Limit(sqlite3.LIMIT_LENGTH, maxRow)
	for option, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_DEFENSIVE:      true,
		sqlite3.DBCONFIG_ENABLE_FKEY:    false,
		sqlite3.DBCONFIG_ENABLE_QPSG:    true,
		sqlite3.DBCONFIG_ENABLE_TRIGGER: false,
		sqlite3.DBCONFIG_ENABLE_VIEW:    false,
		sqlite3.DBCONFIG_TRUSTED_SCHEMA: false,
	} {
		if _, err := c.db.Config(option, on); err != nil {
			return err
		}
	}
	return c.db.Exec(settings)
}

// keepFiles has -wal and -shm stay at the end for those who may only read, and
// could not create them.
func (c *conn) keepFiles() error {
	if _, err := c.db.FileControl("main", sqlite3.FCNTL_PERSIST_WAL, true); err != nil {
		return err
	}
	file, err := c.db.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return err
	}
	c.file = file.(vfs.FileUnwrap).Unwrap().(databaseFile)
	return nil
}
