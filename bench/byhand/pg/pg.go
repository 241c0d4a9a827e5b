// Package pg reads by hand from PostgreSQL. It is not part of package byhand, so that
// the program that is started by hand does not link it.
package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/bench/byhand"
	"github.com/seed-9f6dc42a/secrets/storage"
)

var _ byhand.Reads = (*Postgres)(nil)

// Postgres reads the table of entries.
type Postgres struct {
	pool      *pgxpool.Pool
	get, list string
}

// New reads the table in a schema whose name needs no quotes.
func New(pool *pgxpool.Pool, schema string) *Postgres {
	return &Postgres{
		pool: pool,
		get:  fmt.Sprintf("SELECT key, value FROM %s.entries WHERE key = ANY ($1)", schema),
		list: fmt.Sprintf("SELECT key, value FROM %s.entries WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3", schema),
	}
}

// Get reads keys that are there, in the order asked.
func (p *Postgres) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := p.read(ctx, p.get, keys)
	if err != nil {
		return nil, err
	}
	at := make(map[string]storage.Entry, len(found))
	for _, e := range found {
		at[e.Key] = e
	}
	for i, key := range keys[:len(found)] {
		found[i] = at[key]
	}
	return found, nil
}

// List reads the keys with a prefix that ends in a slash.
func (p *Postgres) List(ctx context.Context, prefix, _ string, limit int) ([]storage.Entry, error) {
	return p.read(ctx, p.list, prefix, prefix[:len(prefix)-1]+"0", limit)
}

func (p *Postgres) read(ctx context.Context, sql string, args ...any) ([]storage.Entry, error) {
	rows, err := p.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e storage.Entry, err error) {
		return e, row.Scan(&e.Key, &e.Value)
	})
}
