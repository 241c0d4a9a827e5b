package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// named keeps the data of each name.
type named struct{ stores sync.Map }

func (n *named) open(name string) storage.Store {
	first, _ := n.stores.LoadOrStore(name, memory.New())
	return first.(*memory.Store).Open()
}

func TestStore(t *testing.T) {
	t.Parallel()
	var data named
	storagetest.Run(t, func(_ *testing.T, name string) storage.Store { return data.open(name) })
}

func TestLimitedStore(t *testing.T) {
	t.Parallel()
	var data named
	storagetest.Run(t, func(_ *testing.T, name string) storage.Store { return storage.Limit(data.open(name)) })
}

func TestLazyStore(t *testing.T) {
	t.Parallel()
	var data named
	storagetest.Run(t, func(_ *testing.T, name string) storage.Store {
		return storage.Lazy(func(context.Context) (storage.Store, error) { return data.open(name), nil })
	})
}

func BenchmarkStore(b *testing.B) {
	var data named
	storagetest.Benchmark(b, func(_ *testing.B, name string) storage.Store { return data.open(name) })
}

func TestNewStoresShareNothing(t *testing.T) {
	t.Parallel()
	one, two := memory.New(), memory.New()
	commit(t, one, storage.Batch{Checks: []storage.Check{{Key: "a"}}, Puts: []storage.Put{{Key: "a"}}})
	if found := list(t, two); len(found) != 0 {
		t.Errorf("another Store holds %q", found)
	}
}

func TestOpenAfterCloseFindsTheData(t *testing.T) {
	t.Parallel()
	s := memory.New()
	commit(t, s, storage.Batch{Checks: []storage.Check{{Key: "a"}}, Puts: []storage.Put{{Key: "a"}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a"}, list(t, s.Open())); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestChangesSignalsOnlyItsPrefixes(t *testing.T) {
	t.Parallel()
	s := memory.New()
	signals, err := s.Changes(t.Context(), "a/", "b/")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "c/a/", "A/"} {
		commit(t, s, storage.Batch{Puts: []storage.Put{{Key: key}}})
		commit(t, s, storage.Batch{Deletes: []string{key}})
		if len(signals) != 0 {
			t.Errorf("a commit of %q was signalled", key)
		}
	}
	commit(t, s, storage.Batch{Deletes: []string{"b/absent"}})
	if len(signals) != 1 {
		t.Error("a commit under a prefix was not signalled before it returned")
	}
}

// TestManyKeysStayInOrder grows and shrinks far beyond what one insertion may
// move, from either end and in no order.
func TestManyKeysStayInOrder(t *testing.T) {
	t.Parallel()
	const many = 20_000
	ascending := make([]string, many)
	for i := range ascending {
		ascending[i] = fmt.Sprintf("key/%05d", i)
	}
	descending := slices.Clone(ascending)
	slices.Reverse(descending)
	shuffled := slices.Clone(ascending)
	rand.Shuffle(many, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })

	for name, keys := range map[string][]string{"ascending": ascending, "descending": descending, "shuffled": shuffled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memory.New()
			for part := range slices.Chunk(keys, storage.MaxWrites) {
				commit(t, s, puts(part))
			}
			if got := list(t, s); !slices.Equal(got, ascending) {
				t.Fatalf("after %d puts: %d keys, or not in order", many, len(got))
			}
			gone, left := keys[:many-10], slices.Sorted(slices.Values(keys[many-10:]))
			for part := range slices.Chunk(gone, storage.MaxWrites) {
				commit(t, s, storage.Batch{Deletes: part})
			}
			if diff := cmp.Diff(left, list(t, s)); diff != "" {
				t.Errorf("keys after the deletes (-want +got):\n%s", diff)
			}
			commit(t, s, storage.Batch{Deletes: left})
			commit(t, s, puts(shuffled[:1]))
			if diff := cmp.Diff(shuffled[:1], list(t, s)); diff != "" {
				t.Errorf("keys after all were deleted and one put (-want +got):\n%s", diff)
			}
		})
	}
}

func puts(keys []string) storage.Batch {
	var b storage.Batch
	for _, key := range keys {
		b.Puts = append(b.Puts, storage.Put{Key: key})
	}
	return b
}

func commit(t *testing.T, s storage.Store, b storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// list returns every key, by pages.
func list(t *testing.T, s storage.Store) []string {
	t.Helper()
	var keys []string
	after := ""
	for {
		page, err := s.List(t.Context(), "", after, storage.MaxList)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		for _, e := range page {
			if e.Key <= after {
				t.Fatalf("List found %q after %q", e.Key, after)
			}
			keys = append(keys, e.Key)
			after = e.Key
		}
		if len(page) < storage.MaxList {
			return keys
		}
	}
}

// To say that the bytes are gone from memory would be false.
func TestStoreIsNoPurger(t *testing.T) {
	t.Parallel()
	if _, ok := any(memory.New()).(storage.Purger); ok {
		t.Error("the Store is a Purger")
	}
}
