package apptest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
)

// EachStore runs a test for each kind of store that fromenv opens, with the
// location of an empty place that goes with the test.
func EachStore(t *testing.T, test func(t *testing.T, location string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, PostgreSQL(t)) })
	t.Run("etcd", func(t *testing.T) { test(t, Etcd(t)) })
}

// SQLite returns the location of a file that is not there yet.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "secrets.db")
}

// shared is the server of the tests of this process. It ends with that, or with
// Stop.
var shared = sync.OnceValues(func() (*testserver.Postgres, error) {
	server, err := testserver.OpenPostgres()
	if err == nil {
		stop = server.Stop
	}
	return server, err
})

// stop ends what shared has started.
var stop = func() {}

// Stop ends the servers that tests share, as far as one of them has started them,
// when all of them have run.
func Stop() {
	stop()
	etcdtest.Stop()
}

// PostgreSQL returns the location of a new database.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	server, err := shared()
	testserver.Require(t, err)
	config, err := pgx.ParseConfig(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute(t, config, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, config, "DROP DATABASE "+name+" WITH (FORCE)") })
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + name}
	u.RawQuery = url.Values{"host": {config.Host}, "port": {fmt.Sprint(config.Port)}, "sslmode": {"prefer"}}.Encode()
	return u.String()
}

func execute(t testing.TB, config *pgx.ConnConfig, sql string) {
	t.Helper()
	ctx := context.Background() // also when the test has ended
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

// Etcd returns the location of a new prefix.
func Etcd(t testing.TB) string {
	t.Helper()
	client, prefix := etcdtest.Shared(t), etcdtest.Prefix()
	t.Cleanup(func() { etcdtest.Clear(t, client, strings.TrimPrefix(prefix, "/")) })
	var hosts []string
	for _, endpoint := range client.Endpoints() {
		hosts = append(hosts, strings.TrimPrefix(endpoint, "http://"))
	}
	return "etcd://" + strings.Join(hosts, ",") + prefix
}
