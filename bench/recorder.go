package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A recorder keeps what was read, and the batches that were committed, so that
// both can be done again without the engine: the commits under other keys.
type recorder struct {
	storage.Store
	mu      sync.Mutex
	reads   [][]string
	batches []storage.Batch
	twins   map[string]uint64 // versions of what raw has put
}

func (r *recorder) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	r.mu.Lock()
	r.reads = append(r.reads, keys)
	r.mu.Unlock()
	return r.Store.Get(ctx, keys...)
}

func (r *recorder) Commit(ctx context.Context, b storage.Batch) error {
	_, err := r.CommitVersion(ctx, b)
	return err
}

func (r *recorder) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	r.mu.Lock()
	r.batches = append(r.batches, b)
	r.mu.Unlock()
	return storage.Commit(ctx, r.Store, b)
}

// ours is a way of an operation whose batches are kept for [recorder.raw].
func (r *recorder) ours(name string, do func(context.Context) error) way {
	timed := timed(name, do)
	return way{name, func(ctx context.Context) (float64, error) {
		r.reads, r.batches = nil, nil
		return timed.measure(ctx)
	}}
}

// raw is the way that commits the last operation's batches, and does nothing
// else.
func (r *recorder) raw(name string) way {
	return way{name, func(ctx context.Context) (float64, error) {
		var took time.Duration
		for _, b := range r.batches {
			b := r.twin(b)
			start := time.Now()
			version, err := storage.Commit(ctx, r.Store, b)
			if err != nil {
				return 0, err
			}
			took += time.Since(start)
			r.committed(b, version)
		}
		return float64(took), nil
	}}
}

// readsAlone is the way that reads what the last operation has read.
func (r *recorder) readsAlone() way {
	return timed("the reads alone", func(ctx context.Context) error {
		for _, keys := range r.reads {
			if _, err := r.Store.Get(ctx, keys...); err != nil {
				return err
			}
		}
		return nil
	})
}

// committed remembers the versions of what a batch has put.
func (r *recorder) committed(b storage.Batch, version uint64) {
	if r.twins == nil {
		r.twins = map[string]uint64{}
	}
	for _, put := range b.Puts {
		r.twins[put.Key] = version
	}
	for _, key := range b.Deletes {
		delete(r.twins, key)
	}
}

// twin is a batch of the same size, for keys of the same length.
func (r *recorder) twin(b storage.Batch) (t storage.Batch) {
	for _, check := range b.Checks {
		key := twinKey(check.Key)
		t.Checks = append(t.Checks, storage.Check{Key: key, Version: r.twins[key]})
	}
	for _, put := range b.Puts {
		t.Puts = append(t.Puts, storage.Put{Key: twinKey(put.Key), Value: put.Value})
	}
	for _, key := range b.Deletes {
		t.Deletes = append(t.Deletes, twinKey(key))
	}
	return t
}

func twinKey(key string) string { return strings.Replace(key, "org", "raw", 1) }
