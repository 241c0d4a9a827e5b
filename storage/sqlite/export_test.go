package sqlite

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// SetSystem replaces the file system by what wrap makes of it.
func (o *Options) SetSystem(name string, wrap func(vfs.VFSFilename) vfs.VFS) {
	o.system = name
	vfs.Register(name, wrap(newSystem()))
}

// Setting reads a setting of a connection back: of the writer, or of a reader.
func (s *Store) Setting(ctx context.Context, writer bool, query string) (string, error) {
	pool := s.readers
	if writer {
		pool = s.writers
	}
	c, err := pool.take(ctx, time.Now().Add(time.Second))
	if err != nil {
		return "", err
	}
	defer pool.put(c)
	return c.text(query)
}

// Plan says how SQLite runs a statement.
func (s *Store) Plan(ctx context.Context, sql string) (plan string, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query("EXPLAIN QUERY PLAN "+sql, func(row *sqlite3.Stmt) error {
			plan += row.ColumnText(3)
			return nil
		})
	})
	return plan, err
}

// Replanned counts how often SQLite has prepared a statement again.
func (s *Store) Replanned(ctx context.Context) (times int, err error) {
	err = s.read(ctx, func(c *conn) error {
		for _, stmt := range c.stmts {
			times += stmt.Status(sqlite3.STMTSTATUS_REPREPARE, false)
		}
		return nil
	})
	return times, err
}

// The statements that a Plan is of interest of.
const (
	SQLGet    = sqlGet
	SQLList   = sqlList
	SQLDelete = sqlDelete
	SQLNewest = sqlNewest
	SQLSince  = sqlSince
	SQLForget = sqlForget
)

// HoldWriteLock keeps the lock that every Commit of another Store needs.
func (s *Store) HoldWriteLock(ctx context.Context) (release func() error, err error) {
	c, err := s.writers.take(ctx, time.Now().Add(time.Second))
	if err != nil {
		return nil, err
	}
	return func() error {
		defer s.writers.put(c)
		return c.rollback()
	}, c.exec("BEGIN IMMEDIATE")
}
