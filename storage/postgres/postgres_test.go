package postgres_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
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
	leaktest.Main(m, func() {
		if server != nil {
			server.Stop()
		}
	})
}

func TestStore(t *testing.T) {
	t.Parallel()
	testserver.Require(t, serverErr)
	storagetest.Run(t, func(t *testing.T, name string) storage.Store { return open(t, name) })
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
	return poolOf(t, server.DSN, change)
}

func poolOf(t testing.TB, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
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

// newName returns the name of a schema or a role that there is not yet.
func newName(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()[:12]) }

// execute runs statements as the superuser.
func execute(t testing.TB, statements ...string) {
	t.Helper()
	pool := newPool(t, nil)
	defer pool.Close()
	for _, sql := range statements {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func put(key, value string) storage.Batch {
	return storage.Batch{
		Checks: []storage.Check{{Key: "never-there"}},
		Puts:   []storage.Put{{Key: key, Value: []byte(value)}},
	}
}

func commit(t testing.TB, s storage.Store, batch storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// value is what is stored under a key, "absent" if there is nothing.
func value(t testing.TB, s storage.Store, key string) string {
	t.Helper()
	found, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return "absent"
	}
	return string(found[0].Value)
}

func wantValue(t testing.TB, s storage.Store, key, want string) {
	t.Helper()
	if got := value(t, s, key); got != want {
		t.Errorf("%q is %q, want %q", key, got, want)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// What is larger than a Store takes was put there by somebody else. It neither
// fills the memory nor hides the others.
func TestValueLargerThanAnEntryIsNotRead(t *testing.T) {
	t.Parallel()
	schema := newName("large")
	s := open(t, schema)
	largest := strings.Repeat("x", storage.MaxEntry-1)
	for key, value := range map[string]string{"a": "1", "b": "", "c": "", "d": largest} {
		commit(t, s, put(key, value))
	}
	execute(t,
		"UPDATE "+schema+".entries SET value = convert_to(repeat('x', 1048577), 'UTF8') WHERE key = 'b'",
		"UPDATE "+schema+".entries SET value = convert_to(repeat('x', 100000000), 'UTF8') WHERE key = 'c'",
	)
	for what, read := range map[string]func() ([]storage.Entry, error){
		"Get":            func() ([]storage.Entry, error) { return s.Get(t.Context(), "a", "b", "c", "d") },
		"List of all":    func() ([]storage.Entry, error) { return s.List(t.Context(), "", "", 5) },
		"List of a part": func() ([]storage.Entry, error) { return s.List(t.Context(), "c", "", 5) },
	} {
		found, err := read()
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %d entries, %v", what, len(found), err)
		}
		for _, e := range found {
			want := map[string]string{"a": "1", "d": largest}[e.Key]
			if string(e.Value) != want {
				t.Errorf("%s: %q has %d bytes, want %d", what, e.Key, len(e.Value), len(want))
			}
		}
	}
}
