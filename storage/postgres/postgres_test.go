package postgres_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// The tests of this package share a server.
var (
	server    *testserver.Postgres
	serverErr error
)

func TestMain(m *testing.M) {
	server, serverErr = testserver.OpenPostgres()
	code := m.Run()
	if server != nil {
		server.Stop()
	}
	os.Exit(code)
}

func TestStore(t *testing.T) {
	t.Parallel()
	testserver.Require(t, serverErr)
	storagetest.Run(t, func(t *testing.T, name string) storage.Store { return open(t, name) })
}

// TestStoreOnAPool runs the suite over the connections of a caller, sent in
// each way that a pool may be configured for.
func TestStoreOnAPool(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]pgx.QueryExecMode{
		"exec":            pgx.QueryExecModeExec,
		"describe exec":   pgx.QueryExecModeDescribeExec,
		"cache describe":  pgx.QueryExecModeCacheDescribe,
		"simple protocol": pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) { config.ConnConfig.DefaultQueryExecMode = mode })
			storagetest.Run(t, func(t *testing.T, name string) storage.Store { return openPool(t, pool, name) })
		})
	}
}

func BenchmarkStore(b *testing.B) {
	testserver.Require(b, serverErr)
	storagetest.Benchmark(b, func(b *testing.B, name string) storage.Store { return open(b, name) })
}

func open(t testing.TB, schema string) *postgres.Store {
	t.Helper()
	testserver.Require(t, serverErr)
	s, err := postgres.Open(t.Context(), server.DSN, &postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openPool(t testing.TB, pool *pgxpool.Pool, schema string) *postgres.Store {
	t.Helper()
	s, err := postgres.OpenPool(t.Context(), pool, &postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// newPool returns connections of the server, configured by change.
func newPool(t testing.TB, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	testserver.Require(t, serverErr)
	config, err := pgxpool.ParseConfig(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
