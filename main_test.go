package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func TestMain(m *testing.M) {
	leaktest.Main(m, func() { stopPostgres(); etcdtest.Stop(); stopOutside() })
}

// newRoot returns the root of a new key file.
func newRoot(t testing.TB) crypto.Root {
	t.Helper()
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// newStore returns an empty store. The tests run over the one in memory, and
// over another if SECRETS_TEST_STORE names it.
func newStore(t testing.TB) storage.Store {
	t.Helper()
	var store storage.Store
	switch driver := os.Getenv("SECRETS_TEST_STORE"); driver {
	case "", "memory":
		store = memory.New()
	case "sqlite":
		path := filepath.Join(t.TempDir(), "secrets.db")
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sweepFile(t, path) })
		store = s
	case "postgres":
		store = newPostgresStore(t)
	case "etcd":
		store = newEtcdStore(t)
	default:
		t.Fatalf("SECRETS_TEST_STORE is %q, but memory, sqlite, postgres or etcd was expected", driver)
	}
	t.Cleanup(func() {
		sweepStore(t, store)
		_ = store.Close()
	})
	return store
}

// newMemory is newStore for tests in a bubble that wait for changes: those of a
// server come from outside.
func newMemory(t testing.TB) storage.Store {
	t.Helper()
	store := memory.New()
	t.Cleanup(func() {
		sweepStore(t, store)
		_ = store.Close()
	})
	return store
}

// A fixture is an organization with one service.
type fixture struct {
	store  storage.Store
	root   crypto.Root
	client *secrets.Client
	org    *secrets.Organization
	api    *secrets.Service
	tokens []secrets.Token
	late   []*secrets.Session // of tokens that were issued meanwhile
	keys   []string           // of the organization, before they were rotated
	next   crypto.Root        // the one that root is to be replaced by
	rec    *recording         // see recorded
	marked map[string]int     // see mark
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return newFixtureOn(t, newStore(t))
}

func newFixtureOn(t testing.TB, store storage.Store) *fixture {
	t.Helper()
	return newFixtureWith(t, store, newRoot(t))
}

func newFixtureWith(t testing.TB, store storage.Store, root crypto.Root) *fixture {
	t.Helper()
	f := &fixture{store: store, root: root}
	f.client = f.open(t, f.store)
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	return f
}

func (f *fixture) open(t testing.TB, store storage.Store) *secrets.Client {
	t.Helper()
	client, err := secrets.Open(store, f.root, &secrets.Options{Logger: sweepLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// clone returns the fixture on a copy of the store, and with handles that have
// no memory.
func (f *fixture) clone(t testing.TB) *fixture {
	t.Helper()
	return f.cloneOn(t, newStore(t))
}

func (f *fixture) cloneOn(t testing.TB, store storage.Store) *fixture {
	t.Helper()
	c := &fixture{store: store, root: f.root, tokens: f.tokens, keys: f.keys, next: f.next}
	restore(t, c.store, entries(t, f.store, ""))
	c.client = c.open(t, c.store)
	c.org = get(t)(c.client.Organization(t.Context(), "acme"))
	c.api = getService(t)(c.org.Service(t.Context(), "api"))
	return c
}

func (f *fixture) token(t testing.TB) secrets.Token {
	t.Helper()
	token, err := f.api.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sweepToken(t, f.store, token) })
	return token
}

func (f *fixture) connect(t testing.TB, token secrets.Token) *secrets.Session {
	t.Helper()
	return connectOver(t, f.store, token)
}

func connectOver(t testing.TB, store storage.Store, token secrets.Token) *secrets.Session {
	t.Helper()
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// give sets a secret and grants it.
func (f *fixture) give(t testing.TB, name secrets.Name, value string) {
	t.Helper()
	if _, err := f.org.SetSecret(t.Context(), name, text(value)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.api.Grant(t.Context(), name, ""); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB) func(*secrets.Organization, error) *secrets.Organization {
	return func(o *secrets.Organization, err error) *secrets.Organization {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
}

func getService(t testing.TB) func(*secrets.Service, error) *secrets.Service {
	return func(s *secrets.Service, err error) *secrets.Service {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// lookup returns what a source has for a variable, or what went wrong.
func lookup(ctx context.Context, source secrets.Source, env string) string {
	e, err := source.Environment(ctx)
	if err != nil {
		for _, known := range []error{secrets.ErrTampered, secrets.ErrUnauthenticated, secrets.ErrNotFound} {
			if errors.Is(err, known) {
				return known.Error()
			}
		}
		return err.Error()
	}
	v, ok := e.Lookup(env)
	if !ok {
		return "absent"
	}
	return reveal(v)
}

func want(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	sweepError(t, err)
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func names(prefix string, n int) []secrets.Name {
	all := make([]secrets.Name, n)
	for i := range all {
		all[i] = secrets.Name(fmt.Sprintf("%s-%04d", prefix, i))
	}
	return all
}
