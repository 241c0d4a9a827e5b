package secrets_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A stuck store does not answer one call before its context ends. A commit that it
// does not answer may have been applied. It is for one goroutine.
type stuck struct {
	storage.Store
	left  int // calls until the one
	lands bool
}

// next reports whether this is the call.
func (s *stuck) next() bool { s.left--; return s.left == 0 }

func (s *stuck) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if s.next() {
		<-ctx.Done()
	}
	return s.Store.Get(ctx, keys...)
}

func (s *stuck) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if s.next() {
		<-ctx.Done()
	}
	return s.Store.List(ctx, prefix, after, limit)
}

func (s *stuck) Commit(ctx context.Context, b storage.Batch) error {
	_, err := s.CommitVersion(ctx, b)
	return err
}

func (s *stuck) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	if !s.next() {
		return storage.Commit(ctx, s.Store, b)
	}
	if s.lands {
		_ = s.Store.Commit(ctx, b)
	}
	<-ctx.Done()
	return 0, storage.ErrUnknownOutcome
}

func TestEveryOperationEndsWithItsContextWhicheverCallTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for _, op := range append(operations(), sweeping()) {
		if op.crowd {
			continue // as the others, but for the number of calls
		}
		for what, lands := range map[string]bool{"before": false, "after": true} {
			t.Run(op.name+"/"+what, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				if op.prepare != nil {
					op.prepare(t, f)
				}
				for at, more := 1, true; more; at++ {
					synctest.Test(t, func(t *testing.T) { more = tryStuck(t, f.clone(t), op, lands, at) })
				}
			})
		}
	}
}

// tryStuck does an operation over a store that does not answer one call. It
// returns false once the operation makes fewer calls.
func tryStuck(t *testing.T, f *fixture, op operation, lands bool, at int) bool {
	t.Helper()
	defer logIfFailed(t, "no answer to call %d", at)
	const most = 10 * time.Second
	store := &stuck{Store: f.store, lands: lands}
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	op.begin(t, org)
	before, start := entries(t, f.store, ""), time.Now()
	store.left = at
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	err := op.do(ctx, t, f, org, client)
	sweepError(t, err)
	op.wantHonest(t, err, before, entries(t, f.store, ""))
	if took := time.Since(start); took > most {
		t.Errorf("it took %v", took)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, secrets.ErrUnknownOutcome) {
		t.Errorf("got %v", err)
	}
	if err != nil {
		f.repeat(t, op)
	}
	f.verify(t, op)
	return store.left <= 0 && !t.Failed()
}
