package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// A versioner is a spy that says a version, if it has no error.
type versioner struct {
	spy
	version uint64
	err     error
}

func (v *versioner) CommitVersion(_ context.Context, b storage.Batch) (uint64, error) {
	v.calls = append(v.calls, fmt.Sprintf("commit version %d %d %d", len(b.Checks), len(b.Puts), len(b.Deletes)))
	return v.version, v.err
}

func lazily(store storage.Store) storage.Store {
	return storage.Lazy(func(context.Context) (storage.Store, error) { return store, nil })
}

// wrapped are the ways to a driver, by what they are.
func wrapped(driver storage.Store) map[string]storage.Store {
	return map[string]storage.Store{
		"the driver":      driver,
		"limited":         storage.Limit(driver),
		"lazy":            lazily(driver),
		"limited lazy":    storage.Limit(lazily(driver)),
		"limited, purges": storage.Limit(&purging{driver}),
	}
}

// A purging driver is a Purger and says versions if what it wraps does.
type purging struct{ storage.Store }

func (*purging) Purge(context.Context) error { return nil }

func (p *purging) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	return storage.Commit(ctx, p.Store, b)
}

func TestCommitSaysTheVersionThatTheDriverSays(t *testing.T) {
	t.Parallel()
	batch := storage.Batch{Checks: checks(3), Puts: puts(2), Deletes: []string{"c"}}
	for _, want := range []struct {
		version uint64
		err     error
	}{{7, nil}, {0, errSpy}} {
		driver := &versioner{version: want.version, err: want.err}
		for name, store := range wrapped(driver) {
			driver.calls = nil
			version, err := storage.Commit(t.Context(), store, batch)
			if version != want.version || !errors.Is(err, want.err) {
				t.Errorf("%s: got %d, %v, want %d, %v", name, version, err, want.version, want.err)
			}
			if diff := cmp.Diff([]string{"commit version 3 2 1"}, driver.calls); diff != "" {
				t.Errorf("%s: calls of the driver (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestCommitSaysNoVersionIfTheDriverDoesNot(t *testing.T) {
	t.Parallel()
	data := memory.New()
	driver := struct{ storage.Store }{data} // is no Versioner
	for name, store := range wrapped(driver) {
		version, err := storage.Commit(t.Context(), store, storage.Batch{Checks: checks(1), Deletes: []string{name[:3]}})
		if version != 0 || err != nil {
			t.Errorf("%s: got version %d, %v", name, version, err)
		}
		_, err = storage.Commit(t.Context(), store, storage.Batch{Checks: []storage.Check{{Key: "a", Version: 99}}, Puts: puts(1)})
		if !errors.Is(err, storage.ErrConflict) {
			t.Errorf("%s: got %v, want ErrConflict", name, err)
		}
	}
}

func TestLimitRefusesAVersionedCommitBeyondTheLimits(t *testing.T) {
	t.Parallel()
	driver := &versioner{version: 7}
	version, err := storage.Commit(t.Context(), storage.Limit(driver), storage.Batch{Puts: puts(1)})
	if version != 0 || !errors.Is(err, storage.ErrLimit) || len(driver.calls) > 0 {
		t.Errorf("got version %d, %v, calls %q; want ErrLimit", version, err, driver.calls)
	}
}

func TestLazyStoreThatCannotBeOpenedSaysNoVersion(t *testing.T) {
	t.Parallel()
	o := &opening{fails: 1}
	version, err := storage.Commit(t.Context(), storage.Lazy(o.open), storage.Batch{Checks: checks(1)})
	if version != 0 || !errors.Is(err, errAway) {
		t.Errorf("got version %d, %v, want %v", version, err, errAway)
	}
}

// A writer that is alone needs no Get between its commits.
func ExampleCommit() {
	ctx := context.Background()
	store := storage.Limit(memory.New())
	last := storage.Check{Key: "counter"}
	for i := range 3 {
		version, err := storage.Commit(ctx, store, storage.Batch{
			Checks: []storage.Check{last},
			Puts:   []storage.Put{{Key: "counter", Value: fmt.Append(nil, i)}},
		})
		if err != nil || version == 0 { // 0: a store that does not say; Get tells
			fmt.Println(version, err)
			return
		}
		last.Version = version
	}
	found, err := store.Get(ctx, "counter")
	fmt.Printf("%s %t %v\n", found[0].Value, found[0].Version == last.Version, err)
	// Output: 2 true <nil>
}
