package secrets_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// long reports whether the tests may take minutes.
func long() bool { return os.Getenv("SECRETS_TEST_LONG") != "" }

// brief reports whether the tests that order the calls of others are to take few:
// with -short over a store that is not in memory, and under the race detector,
// which finds nothing in calls that take turns.
func brief() bool { return raceDetector || testing.Short() && !isMemory() }

func isMemory() bool {
	driver := os.Getenv("SECRETS_TEST_STORE")
	return driver == "" || driver == "memory"
}

// A hooked store lets a test take part in its calls. It is for one goroutine.
type hooked struct {
	storage.Store
	before func(keys ...string) error                 // Get, and List with its prefix; an error is the answer
	commit func(context.Context, storage.Batch) error // in the place of Commit
	lost   []storage.Batch                            // see lose
	gave   uint64                                     // see apply
}

func (h *hooked) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if h.before != nil {
		if err := h.before(keys...); err != nil {
			return nil, err
		}
	}
	return h.Store.Get(ctx, keys...)
}

func (h *hooked) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if h.before != nil {
		if err := h.before(prefix); err != nil {
			return nil, err
		}
	}
	return h.Store.List(ctx, prefix, after, limit)
}

func (h *hooked) Commit(ctx context.Context, b storage.Batch) error {
	_, err := h.CommitVersion(ctx, b)
	return err
}

func (h *hooked) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	h.gave = 0
	commit := h.apply
	if h.commit != nil {
		commit = h.commit
	}
	err := commit(ctx, b)
	return h.gave, err
}

// apply commits a batch as the store would that is hooked, and lets
// CommitVersion know the version.
func (h *hooked) apply(ctx context.Context, b storage.Batch) (err error) {
	h.gave, err = storage.Commit(ctx, h.Store, b)
	return err
}

// lose holds a batch back: nobody knows what became of it until it lands.
func (h *hooked) lose(b storage.Batch) error {
	h.lost = append(h.lost, b)
	return storage.ErrUnknownOutcome
}

// land lets the batches that were lost arrive, as far as their checks still
// hold. It returns how many were applied.
func (h *hooked) land() int {
	n := 0
	for _, b := range h.lost {
		if h.Store.Commit(context.Background(), b) == nil {
			n++
		}
	}
	h.lost = nil
	return n
}

// loseNext loses the next commit, and does meanwhile before the caller learns
// that its outcome is unknown.
func (h *hooked) loseNext(meanwhile func()) {
	h.commit = func(_ context.Context, b storage.Batch) error {
		h.commit = nil
		err := h.lose(b)
		meanwhile()
		return err
	}
}

// afterFirst does something once the next commit was applied, before its caller
// goes on.
func (h *hooked) afterFirst(do func()) {
	h.commit = func(ctx context.Context, b storage.Batch) error {
		h.commit = nil
		err := h.apply(ctx, b)
		if err == nil {
			do()
		}
		return err
	}
}

// crashing returns a store that is gone before the commit that follows so many.
func crashing(store storage.Store, commits int) *hooked {
	h := &hooked{Store: store}
	h.commit = func(ctx context.Context, b storage.Batch) error {
		if commits--; commits >= 0 {
			return h.apply(ctx, b)
		}
		h.before = func(...string) error { return storage.ErrUnavailable }
		return storage.ErrUnavailable
	}
	return h
}

// elsewhere returns the handles of another process, which calls store.
func (f *fixture) elsewhere(t testing.TB, store storage.Store) process {
	t.Helper()
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	return process{store, org, getService(t)(org.Service(t.Context(), "api"))}
}

// A recording store keeps every value that a key ever had.
type recording struct {
	storage.Store
	mu     sync.Mutex
	values map[string][][]byte
}

func newRecording(store storage.Store) *recording {
	return &recording{Store: store, values: map[string][][]byte{}}
}

func (r *recording) Commit(ctx context.Context, b storage.Batch) error {
	_, err := r.CommitVersion(ctx, b)
	return err
}

func (r *recording) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	version, err := storage.Commit(ctx, r.Store, b)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range b.Puts {
		r.values[p.Key] = append(r.values[p.Key], append([]byte(nil), p.Value...))
	}
	return version, nil
}

// copied returns a copy of a store, for somebody to write to.
func copied(t testing.TB, store storage.Store) storage.Store {
	t.Helper()
	c := newStore(t)
	restore(t, c, entries(t, store, ""))
	return c
}

// stored returns the record under key, which must be there.
func stored(t testing.TB, store storage.Store, key string) storage.Entry {
	t.Helper()
	found, err := store.Get(t.Context(), key)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %d records, %v", key, len(found), err)
	}
	return found[0]
}

// remove deletes a record, as somebody with the database could.
func remove(t testing.TB, store storage.Store, key string) {
	t.Helper()
	b := storage.Batch{
		Checks:  []storage.Check{{Key: key, Version: stored(t, store, key).Version}},
		Deletes: []string{key},
	}
	if err := store.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// damage flips a bit of a record, which is as good as any other change.
func damage(t testing.TB, store storage.Store, key string) {
	t.Helper()
	e := stored(t, store, key)
	e.Value = append([]byte(nil), e.Value...)
	e.Value[len(e.Value)-1] ^= 1
	restore(t, store, []storage.Entry{e})
}
