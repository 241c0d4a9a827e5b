package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// BenchmarkByHand is what a program would do with pgx and the same table:
// compare with the benchmarks of the same name of BenchmarkStore.
func BenchmarkByHand(b *testing.B) {
	testserver.Require(b, serverErr)
	schema := newName("hand")
	s := open(b, schema)
	value := make([]byte, 500)
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprintf("bench/%06d", i))
		if i%storage.MaxWrites != storage.MaxWrites-1 {
			continue
		}
		batch := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
		for _, key := range keys[len(keys)-storage.MaxWrites:] {
			batch.Puts = append(batch.Puts, storage.Put{Key: key, Value: value})
		}
		commit(b, s, batch)
	}
	pool := newPool(b, nil)
	asked := slices.Clone(keys)
	rand.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
	b.Run("Get50", func(b *testing.B) {
		for b.Loop() {
			wantRows(b, pool, 50, "SELECT key, value, version FROM "+schema+".entries WHERE key = ANY ($1)", asked[:50])
		}
	})
	b.Run("List50", func(b *testing.B) {
		for b.Loop() {
			wantRows(b, pool, 50, "SELECT key, value, version FROM "+schema+".entries WHERE key >= $1 AND key < $2 ORDER BY key LIMIT 50", "bench/0003", "bench/0004")
		}
	})
	b.Run("Commit1", func(b *testing.B) {
		for b.Loop() {
			updateByHand(b, pool, schema, keys[:1], value)
		}
	})
	b.Run("Commit11", func(b *testing.B) {
		for b.Loop() {
			updateByHand(b, pool, schema, keys[:11], value)
		}
	})
}

func wantRows(b *testing.B, pool *pgxpool.Pool, want int, sql string, args ...any) {
	rows, err := pool.Query(b.Context(), sql, args...)
	if err != nil {
		b.Fatal(err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storage.Entry])
	if err != nil || len(entries) != want {
		b.Fatalf("%d rows, %v", len(entries), err)
	}
}

// updateByHand reads a version, and then replaces the rows if it still holds,
// in a transaction with a round trip for each statement.
func updateByHand(b *testing.B, pool *pgxpool.Pool, schema string, keys []string, value []byte) {
	table := schema + ".entries"
	var version int64
	if err := pool.QueryRow(b.Context(), "SELECT version FROM "+table+" WHERE key = $1", keys[0]).Scan(&version); err != nil {
		b.Fatal(err)
	}
	err := pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
		var now int64
		if err := tx.QueryRow(b.Context(), "SELECT version FROM "+table+" WHERE key = $1 FOR UPDATE", keys[0]).Scan(&now); err != nil {
			return err
		}
		if now != version {
			return storage.ErrConflict
		}
		values := make([][]byte, len(keys))
		for i := range values {
			values[i] = value
		}
		const upsert = `INSERT INTO %[1]s.entries (key, value, version)
			SELECT k, v, nextval('%[1]s.versions') FROM unnest($1::text[], $2::bytea[]) AS p (k, v)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version`
		if _, err := tx.Exec(b.Context(), fmt.Sprintf(upsert, schema), keys, values); err != nil {
			return err
		}
		_, err := tx.Exec(b.Context(), "SELECT pg_notify($1, $2)", schema, keys[0])
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
