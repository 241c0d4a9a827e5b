package fromenv_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/apptest"
	"github.com/seed-9f6dc42a/secrets/secretstest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const value = "postgres://app:hunter2-9c1b@db/main"

// provision makes an organization with one granted secret, and returns a token.
func provision(t *testing.T, location string) secrets.Token {
	t.Helper()
	store, err := fromenv.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	platform := apptest.New(t, store)
	platform.Give(t, "fromenv-database-url", value)
	return platform.Token(t)
}

// wantLoaded sets the variables, loads, and looks at what is there afterwards.
// Tests that use it are not parallel: the environment is the process's.
func wantLoaded(t *testing.T, store string, token secrets.Token) {
	t.Helper()
	t.Setenv("FROMENV_DATABASE_URL", "")
	os.Unsetenv("FROMENV_DATABASE_URL")
	t.Setenv(fromenv.StoreVariable, store)
	t.Setenv(fromenv.TokenVariable, token.Reveal())
	report, err := fromenv.Load(t.Context(), &envload.Options{Required: []string{"FROMENV_DATABASE_URL"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv("FROMENV_DATABASE_URL"); got != value || report == nil {
		t.Errorf("got %q", got)
	}
	wantUnset(t)
}

func wantUnset(t *testing.T) {
	t.Helper()
	for _, name := range []string{"SECRETS_STORE", "SECRETS_TOKEN", "SECRETS_TOKEN_FILE"} {
		if _, there := os.LookupEnv(name); there {
			t.Errorf("%s is still set", name)
		}
	}
}

func TestLoadFromEachStore(t *testing.T) {
	apptest.EachStore(t, func(t *testing.T, location string) {
		wantLoaded(t, location, provision(t, location))
	})
}

func TestConnectedSessionIsClosedWithItsStore(t *testing.T) {
	apptest.EachStore(t, func(t *testing.T, location string) {
		t.Setenv(fromenv.TokenVariable, provision(t, location).Reveal())
		t.Setenv(fromenv.StoreVariable, location)
		session, err := fromenv.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if session.Service() != "api" {
			t.Errorf("service %q", session.Service())
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		if _, err := session.Environment(t.Context()); !errors.Is(err, storage.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestWhatIsWrongIsSaidWithoutWhatIsInIt(t *testing.T) {
	const password = "hunter2-4d21"
	for name, c := range map[string]struct {
		store, token string
		want         string
	}{
		"nothing":          {"", "", "SECRETS_STORE: missing"},
		"no token":         {"sqlite:x", "", "SECRETS_TOKEN: missing"},
		"unknown scheme":   {"redis://u:" + password + "@db", "ok", "sqlite:, postgres: or etcd: was expected"},
		"no scheme":        {password, "ok", "was expected in front"},
		"bad token":        {"sqlite:x", password, "unauthenticated"},
		"bad postgres":     {"postgres://u:" + password + "@[", "ok", "postgres"},
		"postgres refuses": {"postgres://u:" + password + "@127.0.0.1:1/db", "ok", "unavailable"},
		"etcd without":     {"etcd:///" + password, "ok", "etcd://host1,host2/prefix"},
		"etcd parameter":   {"etcd://u:" + password + "@h/p?x=" + password, "ok", "tls=true"},
		"etcd odd prefix":  {"etcd://h/" + password + " q", "ok", "etcd"},
		"no file":          {"sqlite:" + filepath.Join(t.TempDir(), "none.db"), "ok", "ReadOnly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fromenv.StoreVariable, c.store)
			t.Setenv(fromenv.TokenVariable, c.token)
			if c.token == "ok" {
				t.Setenv(fromenv.TokenVariable, sound(t))
			}
			var got string
			secretstest.NoLeak(t, func() error {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err := fromenv.Load(ctx, nil)
				if err == nil {
					t.Error("no error")
					return nil
				}
				got = err.Error()
				return err
			}, password)
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
			wantUnset(t)
		})
	}
}

// sound is the text of a token of another store.
func sound(t *testing.T) string {
	t.Helper()
	return provision(t, apptest.SQLite(t)).Reveal()
}
