package secrets_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A counting store counts its calls.
type counting struct {
	storage.Store
	reads, commits atomic.Int64
}

func (c *counting) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	c.reads.Add(1)
	return c.Store.Get(ctx, keys...)
}

func (c *counting) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	c.reads.Add(1)
	return c.Store.List(ctx, prefix, after, limit)
}

func (c *counting) Commit(ctx context.Context, b storage.Batch) error {
	_, err := c.CommitVersion(ctx, b)
	return err
}

func (c *counting) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	c.commits.Add(1)
	return storage.Commit(ctx, c.Store, b)
}

func TestAppStartsInThreeCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range names("secret", 50) {
		f.give(t, name, "value of "+string(name))
	}
	token := f.token(t)
	store := &counting{Store: f.store}
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	env, err := session.Environment(t.Context())
	if err != nil || env.Len() != 50 {
		t.Fatalf("%d variables, %v", env.Len(), err)
	}
	if got := store.reads.Load(); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
}

func TestUpdateWithTenGranteesIsOneCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	for _, name := range names("svc", 9) {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	store.reads.Store(0)
	if _, err := org.UpdateSecret(t.Context(), "a", text("two"), nil); err != nil {
		t.Fatal(err)
	}
	if reads, commits := store.reads.Load(), store.commits.Load(); reads != 2 || commits != 1 {
		t.Errorf("%d reads and %d commits, want 2 and 1", reads, commits)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) { // not parallel: it counts allocations
	f := newFixture(t)
	f.give(t, "a", "one")
	env, err := f.api.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { env.Lookup("A"); env.Secret("a") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConcurrentWritersOfOneSecretAllGetThrough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "0")
	const writers, updates = 4, 10
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			org, err := f.client.Organization(t.Context(), "acme")
			for i := 0; i < updates && err == nil; i++ {
				_, err = org.UpdateSecret(t.Context(), "a", text(fmt.Sprint(w, i)), nil)
			}
			done <- err
		}()
	}
	session := f.connect(t, f.token(t))
	for left := writers; left > 0; {
		select {
		case err := <-done:
			left--
			if err != nil {
				t.Error(err)
			}
		default:
			if _, err := session.Environment(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := f.org.Secret(t.Context(), "a")
	if err != nil || s.Version != 1+writers*updates {
		t.Errorf("version %d, %v", s.Version, err)
	}
}
