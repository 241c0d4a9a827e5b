package etcd_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	storagetest.Run(t, func(t *testing.T, name string) storage.Store {
		return open(t, client, prefix+name+"/", nil)
	})
}

func BenchmarkStore(b *testing.B) {
	client, prefix := shared(b)
	storagetest.Benchmark(b, func(b *testing.B, name string) storage.Store {
		return open(b, client, prefix+name+"/", nil)
	})
}

// shared returns the client of the shared server, and a prefix that is this
// test's and removed at its end.
func shared(t testing.TB) (*clientv3.Client, string) {
	t.Helper()
	client, prefix := etcdtest.Shared(t), etcdtest.Prefix()
	t.Cleanup(func() { etcdtest.Clear(t, client, prefix) })
	return client, prefix
}

func open(t testing.TB, client *clientv3.Client, prefix string, opts *etcd.Options) *etcd.Store {
	t.Helper()
	s, err := etcd.New(client, prefix, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// put replaces what is there, whatever that is.
func put(ctx context.Context, s storage.Store, key, value string) error {
	found, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	check := storage.Check{Key: key}
	if len(found) > 0 {
		check.Version = found[0].Version
	}
	return s.Commit(ctx, storage.Batch{
		Checks: []storage.Check{check},
		Puts:   []storage.Put{{Key: key, Value: []byte(value)}},
	})
}

func mustPut(t testing.TB, s storage.Store, key, value string) {
	t.Helper()
	if err := put(t.Context(), s, key, value); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func expect(t testing.TB, s storage.Store, want map[string]string) {
	t.Helper()
	found, err := s.List(t.Context(), "", "", storage.MaxList)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	got := map[string]string{}
	for _, e := range found {
		got[e.Key] = string(e.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the store holds (-want +got):\n%s", diff)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// wantText wants all the texts in an error.
func wantText(t testing.TB, what string, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %q in it", what, err, text)
		}
	}
}

// eventually waits for what must become true.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in all this time: %s", what)
		}
	}
}

func withUser(name, password string) func(*clientv3.Config) {
	return func(c *clientv3.Config) { c.Username, c.Password = name, password }
}

func wantPermission(t testing.TB, err error) {
	t.Helper()
	wantError(t, err, fs.ErrPermission)
	if errors.Is(err, storage.ErrUnknownOutcome) || errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want nothing but a lack of permission", err)
	}
}
