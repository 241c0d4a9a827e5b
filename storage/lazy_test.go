package storage_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// An opening database is away for some attempts.
type opening struct {
	spy   *spy
	fails int
	tries int
}

var errAway = errors.New("away")

func (o *opening) open(context.Context) (storage.Store, error) {
	if o.tries++; o.tries <= o.fails {
		return nil, errAway
	}
	return o.spy, nil
}

func TestLazyStoreIsOpenedOnceItCanBe(t *testing.T) {
	t.Parallel()
	o := &opening{spy: &spy{}, fails: 4}
	store := storage.Lazy(o.open)
	if o.tries != 0 {
		t.Error("it was opened without a call")
	}
	all := func() (errs []error) {
		_, get := store.Get(t.Context(), "a")
		_, list := store.List(t.Context(), "a", "b", 3)
		_, changes := store.Changes(t.Context(), "a")
		return append(errs, get, list, store.Commit(t.Context(), storage.Batch{}), changes)
	}
	for _, err := range all() {
		wantLazy(t, err, errAway)
	}
	for range 2 {
		for _, err := range all() {
			wantLazy(t, err, errSpy)
		}
	}
	calls := []string{"get 1", "list 1 1 3", "changes 1", "commit 0 0 0"}
	if diff := cmp.Diff(append(calls, calls...), o.spy.calls); diff != "" || o.tries != 5 {
		t.Errorf("%d attempts, calls (-want +got):\n%s", o.tries, diff)
	}
	if _ = store.Close(); !o.spy.closed {
		t.Error("what was opened was not closed")
	}
}

func wantLazy(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestLazyStoreThatIsClosedIsNotOpened(t *testing.T) {
	t.Parallel()
	o := &opening{spy: &spy{}}
	store := storage.Lazy(o.open)
	for range 2 {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := store.Get(t.Context(), "a")
	wantLazy(t, err, storage.ErrClosed)
	if o.tries > 0 {
		t.Error("it was opened")
	}
}

func TestLazyStoreIsOpenedByOneCallAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries, begun := 0, make(chan struct{})
		store := storage.Lazy(func(ctx context.Context) (storage.Store, error) {
			tries++
			close(begun) // panics the second time
			<-ctx.Done()
			return nil, ctx.Err()
		})
		var group sync.WaitGroup
		group.Go(func() {
			_, err := store.Get(t.Context(), "a")
			wantLazy(t, err, storage.ErrClosed)
		})
		<-begun
		waiting, cancel := context.WithCancel(t.Context())
		group.Go(func() {
			_, err := store.Get(waiting, "a")
			wantLazy(t, err, context.Canceled)
		})
		group.Go(func() {
			_, err := store.List(t.Context(), "a", "", 1)
			wantLazy(t, err, storage.ErrClosed)
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
		if tries != 1 {
			t.Errorf("%d attempts", tries)
		}
	})
}
