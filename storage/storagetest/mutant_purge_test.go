package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

var _ storage.Purger = hooks{}

// Purge has nothing to remove from memory.
func (h hooks) Purge(ctx context.Context) error {
	if h.purge != nil {
		return h.purge(ctx)
	}
	return usable(ctx, h.Store)
}

// usable answers as a call does that has nothing to do.
func usable(ctx context.Context, s storage.Store) error {
	_, err := s.Get(ctx)
	return err
}

func TestOnlyAPurgerIsTestedAsOne(t *testing.T) {
	t.Parallel()
	const name = "PurgeKeepsWhatLives"
	if !slices.Contains(storagetest.CaseNames(hooks{}), name) {
		t.Errorf("%s is not run for a Purger", name)
	}
	if slices.Contains(storagetest.CaseNames(memory.New()), name) {
		t.Errorf("%s is run for a Store that is none", name)
	}
}

// purging breaks what Purge does.
func purging(purge func(ctx context.Context, s storage.Store) error) connector {
	return hook(func(s storage.Store) hooks {
		return hooks{purge: func(ctx context.Context) error {
			if err := usable(ctx, s); err != nil {
				return err
			}
			return purge(ctx, s)
		}}
	})
}

func purgeMutants() []mutant {
	return []mutant{
		{"a purge writes what lives anew", []string{"PurgeKeepsWhatLives"}, purging(writesAnew)},
		{"a purge takes an empty value for a deleted one", []string{"PurgeKeepsWhatLives"}, purging(dropsEmpty)},
		{"a purge copies what lives, and commits meanwhile are lost", []string{"PurgeLosesNoCommit"}, purging(copiesBack)},
		{"a purge shows its copy before it is complete", []string{"PurgeLetsOthersReadOneInstant"}, purging(empties)},
		{"a purge counts versions anew", []string{"PurgeReusesNoVersion"}, countsAnew},
		{"a second purge is refused", []string{"PurgeMayBeRepeated"}, hook(purgesOnce)},
		{"a purge ends Changes", []string{"PurgeLeavesChangesOpen"}, hook(endsChanges)},
		{"a purge makes Changes deaf", []string{"PurgeLeavesChangesOpen"}, hook(deafens)},
		{"a purge ignores its context", []string{"PurgeEndsWithItsContext"},
			hook(func(s storage.Store) hooks {
				return hooks{purge: func(ctx context.Context) error { return usable(context.WithoutCancel(ctx), s) }}
			})},
		{"a purge lasts longer than its context", []string{"PurgeEndsWithItsContext"}, purging(outlastsContext)},
		{"a purge that is cut off leaves a part", []string{"PurgeEndsWithItsContext"}, purging(leavesAPart)},
		{"a purge after Close succeeds", []string{"PurgeAfterCloseIsErrClosed"},
			hook(func(storage.Store) hooks { return hooks{purge: func(ctx context.Context) error { return ctx.Err() }} })},
	}
}

// all returns what is stored, and a batch that puts it again.
func all(ctx context.Context, s storage.Store) (entries []storage.Entry, b storage.Batch, err error) {
	entries, err = s.List(ctx, "", "", storage.MaxList)
	for _, e := range entries {
		b.Puts = append(b.Puts, storage.Put{Key: e.Key, Value: e.Value})
	}
	return entries, b, err
}

func writesAnew(ctx context.Context, s storage.Store) error {
	_, b, err := all(ctx, s)
	return errors.Join(err, s.Commit(ctx, b))
}

func dropsEmpty(ctx context.Context, s storage.Store) error {
	entries, _, err := all(ctx, s)
	var b storage.Batch
	for _, e := range entries {
		if len(e.Value) == 0 {
			b.Deletes = append(b.Deletes, e.Key)
		}
	}
	return errors.Join(err, s.Commit(ctx, b))
}

func copiesBack(ctx context.Context, s storage.Store) error {
	_, b, err := all(ctx, s)
	time.Sleep(time.Millisecond)
	return errors.Join(err, s.Commit(ctx, b))
}

func empties(ctx context.Context, s storage.Store) error {
	_, b, err := all(ctx, s)
	var none storage.Batch
	for _, put := range b.Puts {
		none.Deletes = append(none.Deletes, put.Key)
	}
	if err := errors.Join(err, s.Commit(ctx, none)); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	return s.Commit(context.WithoutCancel(ctx), b)
}

// countsAnew goes on from the greatest version that is left.
func countsAnew(data *memory.Store) func() storage.Store {
	n := &numbers{versions: map[string]uint64{}, rows: map[string]uint64{}}
	n.next = func(n *numbers, _ storage.Put) uint64 { return n.last }
	return func() storage.Store {
		h := n.open(data.Open()).(hooks)
		h.purge = func(ctx context.Context) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.last = greatest(n.versions)
			return usable(ctx, h.Store)
		}
		return h
	}
}

func purgesOnce(s storage.Store) hooks {
	var purged atomic.Bool
	return hooks{purge: func(ctx context.Context) error {
		if purged.Swap(true) {
			return errors.New("purged already")
		}
		return usable(ctx, s)
	}}
}

// endsChanges closes the channels that there are.
func endsChanges(s storage.Store) hooks {
	var mu sync.Mutex
	var cancels []context.CancelFunc
	return hooks{
		changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
			life, cancel := context.WithCancel(ctx)
			mu.Lock()
			defer mu.Unlock()
			cancels = append(cancels, cancel)
			return s.Changes(life, prefixes...)
		},
		purge: func(ctx context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			for _, cancel := range cancels {
				cancel()
			}
			time.Sleep(time.Millisecond) // until they are closed
			return usable(ctx, s)
		},
	}
}

// deafens gives a channel that nothing comes from after a purge.
func deafens(s storage.Store) hooks {
	var deaf atomic.Bool
	return hooks{
		changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
			signals, err := s.Changes(ctx, prefixes...)
			if err != nil {
				return nil, err
			}
			heard := make(chan struct{}, 1)
			go func() {
				defer close(heard)
				for range signals {
					if !deaf.Load() {
						heard <- struct{}{}
					}
				}
			}()
			return heard, nil
		},
		purge: func(ctx context.Context) error {
			deaf.Store(true)
			return usable(ctx, s)
		},
	}
}

func outlastsContext(ctx context.Context, _ storage.Store) error {
	time.Sleep(200 * time.Microsecond)
	if ctx.Err() != nil {
		time.Sleep(500 * time.Millisecond)
	}
	return ctx.Err()
}

func leavesAPart(ctx context.Context, s storage.Store) error {
	time.Sleep(200 * time.Microsecond)
	if ctx.Err() == nil {
		return nil
	}
	entries, _, err := all(context.WithoutCancel(ctx), s)
	if err == nil && len(entries) > 0 {
		err = s.Commit(context.WithoutCancel(ctx), storage.Batch{Deletes: []string{entries[0].Key}})
	}
	return errors.Join(ctx.Err(), err)
}
