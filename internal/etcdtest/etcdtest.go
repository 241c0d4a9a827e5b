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
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	variable = "SECRETS_TEST_ETCD"

	// patience is how long a server may take to answer.
	patience = 30 * time.Second
)

// shared is the client of the server that most tests of a test binary use. Both
// end with the process, or with Stop.
var shared = sync.OnceValues(func() (*clientv3.Client, error) {
	endpoints := strings.Split(os.Getenv(variable), ",")
	if endpoints[0] == "" {
		dir, err := os.MkdirTemp("", "secrets-etcd")
		if err != nil {
			return nil, err
		}
		server, err := start(dir, "--unsafe-no-fsync")
		if err != nil {
			return nil, err
		}
		stop = server.Kill
		endpoints = []string{server.Endpoint}
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	end := stop
	stop = func() { _ = client.Close(); end() }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = client.Get(ctx, "/") // connects, with goroutines that stay
	return client, err
})

// stop ends what shared has started.
var stop = func() {}

// Stop ends the server that tests share, if one of them has started it, when all
// of them have run.
func Stop() { stop() }

// Shared returns a connected client of the server that the tests of this
// process share, and starts that if need be. The client must not be closed.
func Shared(t testing.TB) *clientv3.Client {
	t.Helper()
	skipIfAbsent(t)
	client, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Prefix returns a new prefix for the data of one test.
func Prefix() string { return "/secrets-test/" + rand.Text() + "/" }

// Clear removes what is under prefix.
func Clear(t testing.TB, client *clientv3.Client, prefix string) {
	t.Helper()
	if _, err := client.Delete(context.Background(), prefix, clientv3.WithPrefix()); err != nil {
		t.Errorf("removing %s: %v", prefix, err)
	}
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
