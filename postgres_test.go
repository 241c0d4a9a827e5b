package secrets_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// postgresPool is of a server that is started by the first test that needs it,
// and ends with the process.
var postgresPool = sync.OnceValues(func() (pool *pgxpool.Pool, err error) {
	runOutside()(func() {
		var server *testserver.Postgres
		if server, err = testserver.OpenPostgres(); err == nil {
			pool, err = pgxpool.New(context.Background(), server.DSN)
		}
	})
	return pool, err
})

// newPostgresStore returns an empty store in a schema of its own.
func newPostgresStore(t testing.TB) storage.Store {
	t.Helper()
	pool, err := postgresPool()
	testserver.Require(t, err)
	options := &postgres.Options{Schema: "test_" + strings.ToLower(rand.Text())}
	o := newOutside(func() storage.Store {
		var s *postgres.Store
		s, err = postgres.OpenPool(context.Background(), pool, options)
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
