package fromenv_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/secretstest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

const value = "postgres://app:hunter2-9c1b@db/main"

// provision makes an organization with one granted secret, and returns a token.
func provision(t *testing.T, store storage.Store) secrets.Token {
	t.Helper()
	defer store.Close()
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	org, err := client.CreateOrganization(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := org.CreateSecret(t.Context(), "fromenv-database-url", secrets.Text(value)); err != nil {
		t.Fatal(err)
	}
	api, err := org.CreateService(t.Context(), "api")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Grant(t.Context(), "fromenv-database-url", ""); err != nil {
		t.Fatal(err)
	}
	token, err := api.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
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

func TestLoadFromSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.db")
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, "sqlite:"+path, provision(t, store))
}

func TestLoadFromPostgreSQL(t *testing.T) {
	server, err := testserver.OpenPostgres()
	testserver.Require(t, err)
	t.Cleanup(server.Stop)
	store, err := postgres.Open(t.Context(), server.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := provision(t, store)
	config, err := pgconn.ParseConfig(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	asURL := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + config.Database}
	asURL.RawQuery = url.Values{"host": {config.Host}, "port": {fmt.Sprint(config.Port)}, "sslmode": {"prefer"}}.Encode()
	wantLoaded(t, asURL.String(), token)
}

func TestLoadFromEtcd(t *testing.T) {
	client, prefix := etcdtest.Shared(t), etcdtest.Prefix()
	store, err := etcd.New(client, prefix[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	token := provision(t, store)
	t.Cleanup(func() { etcdtest.Clear(t, client, prefix[1:]) })
	var hosts []string
	for _, endpoint := range client.Endpoints() {
		hosts = append(hosts, strings.TrimPrefix(endpoint, "http://"))
	}
	wantLoaded(t, "etcd://"+strings.Join(hosts, ",")+prefix, token)
}

func TestConnectedSessionIsClosedWithItsStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.db")
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fromenv.TokenVariable, provision(t, store).Reveal())
	t.Setenv(fromenv.StoreVariable, "sqlite:"+path)
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
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "secrets.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return provision(t, store).Reveal()
}

func TestEtcdURL(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Endpoints              []string
		User, Password, Prefix string
		TLS                    bool
	}
	for text, want := range map[string]parsed{
		"etcd://h":                         {Endpoints: []string{"http://h:2379"}, Prefix: "secrets/"},
		"etcd://h1,h2:99/":                 {Endpoints: []string{"http://h1:2379", "http://h2:99"}, Prefix: "secrets/"},
		"etcd://h1:1,h2:2/a/b":             {Endpoints: []string{"http://h1:1", "http://h2:2"}, Prefix: "a/b/"},
		"etcd://u:p%40@h/p/?tls=true":      {Endpoints: []string{"https://h:2379"}, User: "u", Password: "p@", Prefix: "p/", TLS: true},
		"etcd://[::1]:2380/p":              {Endpoints: []string{"http://[::1]:2380"}, Prefix: "p/"},
		"etcd://[2001:db8::1]/p":           {Endpoints: []string{"http://[2001:db8::1]:2379"}, Prefix: "p/"},
		"etcd://127.0.0.1:2379/secrets-x/": {Endpoints: []string{"http://127.0.0.1:2379"}, Prefix: "secrets-x/"},
	} {
		config, prefix, err := fromenv.ParseEtcd(text)
		got := parsed{config.Endpoints, config.Username, config.Password, prefix, config.TLS != nil}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"etcd:", "etcd:h", "etcd://", "etcd:///p", "etcd://h,/p", "etcd://h?tls=false", "etcd://h?tls=true&tls=true", "etcd://h/p#f", "etcd://h:x/p"} {
		if config, _, err := fromenv.ParseEtcd(text); err == nil {
			t.Errorf("%s: %v", text, config.Endpoints)
		}
	}
}
