package secrets_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// A cachedApp starts with a store of its own each time, as a new process does.
type cachedApp struct {
	open  func(context.Context) (storage.Store, error)
	token secrets.Token
	path  string
}

// newCachedApp provisions an app whose variable A is "one".
func newCachedApp(t *testing.T, platform storage.Store) *cachedApp {
	t.Helper()
	f := newFixtureOn(t, platform)
	f.give(t, "a", "one")
	token, err := f.api.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &cachedApp{token: token, path: filepath.Join(t.TempDir(), "cache")}
}

func (a *cachedApp) start(t *testing.T) (env *secrets.Environment, err error) {
	t.Helper()
	store := storage.Lazy(a.open)
	defer store.Close()
	session, err := secrets.ConnectCached(t.Context(), store, a.token, secrets.CacheOptions{
		Path: a.path, MaxStale: time.Hour, Timeout: time.Second, Logger: sweepLog(t),
	})
	if err == nil {
		env, err = session.Environment(t.Context())
	}
	sweepError(t, err)
	return env, err
}

func (a *cachedApp) wantStart(t *testing.T, wantStale bool) {
	t.Helper()
	env, err := a.start(t)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := env.Lookup("A")
	want(t, reveal(v), "one")
	if _, stale := env.StaleSince(); stale != wantStale {
		t.Errorf("stale: %v, want %v", stale, wantStale)
	}
}

func TestAppStartsWhileEtcdIsDown(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync")
	open := func() (storage.Store, error) {
		return etcd.New(etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
	}
	platform, err := open()
	if err != nil {
		t.Fatal(err)
	}
	app := newCachedApp(t, platform)
	app.open = func(context.Context) (storage.Store, error) { return open() }
	app.wantStart(t, false)
	server.Kill()
	app.wantStart(t, true)
	server.Restart(t)
	app.wantStart(t, false)
}

func TestAppStartsWhilePostgreSQLIsDownUnlessItWasDeniedAccess(t *testing.T) {
	t.Parallel()
	server := ownPostgres(t)
	platform, err := postgres.Open(t.Context(), server.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer platform.Close()
	app := newCachedApp(t, platform)
	app.open = func(ctx context.Context) (storage.Store, error) {
		return postgres.Open(ctx, strings.Replace(server.DSN, "user=postgres", "user=app", 1), nil)
	}
	admin, err := pgxpool.New(t.Context(), server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	execute := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	execute("CREATE ROLE app LOGIN")
	execute("GRANT USAGE ON SCHEMA secrets TO app")
	execute("GRANT SELECT ON secrets.entries TO app")
	app.wantStart(t, false)
	execute("REVOKE SELECT ON secrets.entries FROM app")
	_, err = app.start(t)
	wantError(t, err, fs.ErrPermission)
	if _, err := os.Lstat(app.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	execute("GRANT SELECT ON secrets.entries TO app")
	app.wantStart(t, false)
	server.Stop()
	_, err = app.open(t.Context()) // which is why it is opened when it is called
	wantError(t, err, secrets.ErrUnavailable)
	app.wantStart(t, true)
}
