package byhand

import (
	"context"
	"errors"
	"net/url"

	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var _ Reads = (*SQLite)(nil)

// SQLite is one connection, for one goroutine, that reads the table of entries.
type SQLite struct {
	db        *sqlite3.Conn
	get, list *sqlite3.Stmt
}

// OpenSQLite opens a database that is there, for reading.
func OpenSQLite(file string) (*SQLite, error) {
	path := url.URL{Path: file}
	db, err := sqlite3.OpenFlags("file:"+path.EscapedPath()+"?mode=ro", sqlite3.OPEN_URI|sqlite3.OPEN_READONLY)
	if err != nil {
		return nil, err
	}
	s := &SQLite{db: db}
	if s.get, _, err = db.Prepare("SELECT key, value FROM entries WHERE key = ?"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.list, _, err = db.Prepare("SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Get reads each key, in one transaction.
func (s *SQLite) Get(_ context.Context, keys ...string) ([]storage.Entry, error) {
	if err := s.db.Exec("BEGIN"); err != nil {
		return nil, err
	}
	found := make([]storage.Entry, 0, len(keys))
	for _, key := range keys {
		if err := s.get.BindText(1, key); err != nil {
			return nil, err
		}
		var err error
		if found, err = rows(found, s.get); err != nil {
			return nil, err
		}
	}
	return found, s.db.Exec("COMMIT")
}

// List reads the keys with a prefix that ends in a slash.
func (s *SQLite) List(_ context.Context, prefix, _ string, limit int) ([]storage.Entry, error) {
	end := prefix[:len(prefix)-1] + "0" // behind the slash
	if err := errors.Join(s.list.BindText(1, prefix), s.list.BindText(2, end), s.list.BindInt(3, limit)); err != nil {
		return nil, err
	}
	return rows(nil, s.list)
}

func rows(found []storage.Entry, stmt *sqlite3.Stmt) ([]storage.Entry, error) {
	for stmt.Step() {
		found = append(found, storage.Entry{Key: stmt.ColumnText(0), Value: stmt.ColumnBlob(1, nil)})
	}
	return found, errors.Join(stmt.Err(), stmt.Reset())
}

// Close closes the connection.
func (s *SQLite) Close() error {
	return errors.Join(s.get.Close(), s.list.Close(), s.db.Close())
}
