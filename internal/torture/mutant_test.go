package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A mutant is a store that breaks its contract once in a while.
type mutant struct {
	storage.Store
	commit func(m *mutant, ctx context.Context, b storage.Batch) error // in the place of Commit
	stale  bool                                                        // Get answers from an older state

	mu     sync.Mutex
	random *rand.Rand
	old    map[string][]storage.Entry
}

func (m *mutant) chance() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.IntN(10) == 0
}

func (m *mutant) Commit(ctx context.Context, b storage.Batch) error {
	_, err := m.CommitVersion(ctx, b)
	return err
}

func (m *mutant) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	if m.commit == nil || !m.chance() {
		return storage.Commit(ctx, m.Store, b)
	}
	return 0, m.commit(m, ctx, b)
}

func (m *mutant) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := m.Store.Get(ctx, keys...)
	if err != nil || !m.stale {
		return found, err
	}
	again := m.chance()
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := fmt.Sprint(keys)
	if old, ok := m.old[asked]; ok && again {
		return slices.Clone(old), nil
	}
	m.old[asked] = found
	return found, nil
}

// The engine notices most of them by itself, with errors that no client should
// see. Here the checker must find each of them in what the clients saw besides.
func TestStoresThatBreakTheirContractAreFound(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for name, m := range map[string]*mutant{
		"reads an older state": {stale: true},
		"applies a commit whose check does not hold": {commit: func(m *mutant, ctx context.Context, b storage.Batch) error {
			return m.Store.Commit(ctx, storage.Batch{Puts: b.Puts, Deletes: b.Deletes})
		}},
		"acknowledges what it has not applied": {commit: func(*mutant, context.Context, storage.Batch) error {
			return nil
		}},
		"refuses what it has applied": {commit: func(m *mutant, ctx context.Context, b storage.Batch) error {
			return errors.Join(m.Store.Commit(ctx, b), storage.ErrUnavailable)
		}},
		"reports a conflict of what it has applied": {commit: func(m *mutant, ctx context.Context, b storage.Batch) error {
			return errors.Join(m.Store.Commit(ctx, b), storage.ErrConflict)
		}},
		"applies half a commit": {commit: func(m *mutant, ctx context.Context, b storage.Batch) error {
			b.Puts, b.Deletes = b.Puts[:len(b.Puts)/2], nil
			return m.Store.Commit(ctx, b)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(500) {
				r := playMemory(t, root, seed, func(store storage.Store) storage.Store {
					m.Store, m.random, m.old = store, rand.New(rand.NewPCG(seed, 9)), map[string][]storage.Entry{}
					return m
				})
				if found := r.history.linearize(t); found != nil {
					t.Logf("seed %d: %v", seed, found)
					return
				}
			}
			t.Error("not found")
		})
	}
}
