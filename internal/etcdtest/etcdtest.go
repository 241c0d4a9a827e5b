// Package etcdtest starts real etcd servers for tests.
//
// A server is built from the nested module internal/etcdserver, once, into the
// user's cache folder: the first time that takes minutes, and the modules from
// the proxy. The variable SECRETS_TEST_ETCD changes that:
//
//   - "absent" declares that no server can be had. Tests that need one are
//     skipped, or fail if CI is "true".
//   - Anything else is endpoints, divided by commas, of a server to use where a
//     test does not need one of its own to configure or to kill.
package etcdtest

import (
	"os"
	"strings"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const variable = "SECRETS_TEST_ETCD"

// shared is the one server of a test binary that most tests use. It ends with
// the process.
var shared = sync.OnceValues(func() (*Server, error) {
	dir, err := os.MkdirTemp("", "secrets-etcd")
	if err != nil {
		return nil, err
	}
	return start(dir, "--unsafe-no-fsync")
})

// Endpoints returns those of the server that the tests of this process share,
// and starts it if need be. Test data should be under a prefix of its own.
func Endpoints(t testing.TB) []string {
	t.Helper()
	skipIfAbsent(t)
	if given := os.Getenv(variable); given != "" {
		return strings.Split(given, ",")
	}
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return []string{server.Endpoint}
}

// Client returns a client, closed at the end of the test. configure may be nil.
func Client(t testing.TB, endpoints []string, configure func(*clientv3.Config)) *clientv3.Client {
	t.Helper()
	config := clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()}
	if configure != nil {
		configure(&config)
	}
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func skipIfAbsent(t testing.TB) {
	t.Helper()
	if os.Getenv(variable) != "absent" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is absent, but under CI no test is skipped", variable)
	}
	t.Skipf("%s is absent", variable)
}
