package secrets_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// An outage is a store that answers some calls to come, and none of so many
// after those: it says that it is away, or it hangs.
type outage struct {
	storage.Store
	answered, lost atomic.Int64
	hangs          bool
}

const lasting = math.MaxInt64 / 2

func (o *outage) down(ctx context.Context) error {
	switch {
	case o.answered.Add(-1) >= 0 || o.lost.Add(-1) < 0:
		return nil
	case o.hangs:
		<-ctx.Done()
		return ctx.Err()
	default:
		return storage.ErrUnavailable
	}
}

func (o *outage) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := o.down(ctx); err != nil {
		return nil, err
	}
	return o.Store.Get(ctx, keys...)
}

func (o *outage) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := o.down(ctx); err != nil {
		return nil, err
	}
	return o.Store.List(ctx, prefix, after, limit)
}

func (o *outage) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	if err := o.down(ctx); err != nil {
		return nil, err
	}
	return o.Store.Changes(ctx, prefixes...)
}

// outages runs a test with a store that says that it is away, and with one that
// hangs.
func outages(t *testing.T, test func(*testing.T, *offline, *outage)) {
	t.Parallel()
	for what, hangs := range map[string]bool{"away": false, "hangs": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := newOffline(t)
				store := &outage{Store: o.store, hangs: hangs}
				o.away.Store = store
				test(t, o, store)
			})
		})
	}
}

// watchCached watches the variable A. It is yielded once more when it comes from
// the cache, and again when it does not any longer.
func (o *offline) watchCached(t *testing.T) *watch {
	t.Helper()
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	return watchA(t, session)
}

func TestWatcherWithACacheSeesTheNextValueAfterAReadThatFailed(t *testing.T) {
	outages(t, func(t *testing.T, o *offline, store *outage) {
		w := o.watchCached(t)
		wantSaid(t, w, "one")
		store.lost.Store(1) // the first call of the read that this causes
		set(t, o.org, "a", "two")
		time.Sleep(time.Minute)
		wantSaid(t, w, "one", "two")
		store.answered.Store(1)
		store.lost.Store(1) // the second
		set(t, o.org, "a", "three")
		time.Sleep(time.Minute)
		wantSaid(t, w, "two", "three")
		w.end(t)
	})
}

func TestWatcherStartsFromTheCacheWhileTheStoreIsAway(t *testing.T) {
	outages(t, func(t *testing.T, o *offline, store *outage) {
		o.wantStart(t, "one", nil)
		store.lost.Store(lasting)
		w := o.watchCached(t)
		time.Sleep(time.Minute)
		wantSaid(t, w, "one")
		store.lost.Store(0)
		time.Sleep(time.Minute)
		wantSaid(t, w, "one")
		set(t, o.org, "a", "two")
		time.Sleep(time.Minute)
		wantSaid(t, w, "two")
		if err := o.api.RevokeToken(t.Context(), o.tokens[0].ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantSaid(t, w, secrets.ErrUnauthenticated.Error())
		w.end(t)
	})
}

func TestWatcherGoesOnFromTheCacheWhenTheStoreBeginsToFail(t *testing.T) {
	outages(t, func(t *testing.T, o *offline, store *outage) {
		w := o.watchCached(t)
		wantSaid(t, w, "one")
		store.lost.Store(lasting) // no signal comes: it looks by itself
		time.Sleep(3 * time.Minute)
		wantSaid(t, w, "one")
		store.lost.Store(0)
		time.Sleep(time.Minute)
		wantSaid(t, w, "one")
		w.end(t)
	})
}
