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

// sharedPostgres is started by the first test that needs it, and ends with the
// process, or with stopPostgres.
var sharedPostgres = sync.OnceValues(func() (s postgresServer, err error) {
	runOutside()(func() {
		if s.server, err = testserver.OpenPostgres(); err == nil {
			s.pool, err = pgxpool.New(context.Background(), s.server.DSN)
		}
	})
	if err == nil {
		stopPostgres = func() { s.pool.Close(); s.server.Stop() }
	}
	return s, err
})

// stopPostgres ends sharedPostgres, if that was started.
var stopPostgres = func() {}

type postgresServer struct {
	server *testserver.Postgres // ends when nothing refers to it
	pool   *pgxpool.Pool
}

// newPostgresStore returns an empty store in a schema of its own.
func newPostgresStore(t testing.TB) storage.Store {
	t.Helper()
	shared, err := sharedPostgres()
	testserver.Require(t, err)
	options := &postgres.Options{Schema: "test_" + strings.ToLower(rand.Text())}
	o := newOutside(func() storage.Store {
		var s *postgres.Store
		s, err = postgres.OpenPool(context.Background(), shared.pool, options)
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
