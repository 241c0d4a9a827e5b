package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func contextCases() []testCase {
	return []testCase{
		{"ContextEndedBeforeACallIsItsError", contextEndedBeforeACall},
		{"ContextEndedDuringACommitTellsTheOutcome", contextEndedDuringACommit},
		{"ContextEndedDuringAReadGivesNoPart", contextEndedDuringARead},
	}
}

// A call is one use of a Store that has an error.
type call struct {
	name string
	run  func(context.Context, storage.Store) error
}

// calls are one of each method, and would change what is stored.
func calls() []call {
	commit := func(b storage.Batch) func(context.Context, storage.Store) error {
		return func(ctx context.Context, s storage.Store) error { return s.Commit(ctx, b) }
	}
	return []call{
		{"Get", func(ctx context.Context, s storage.Store) error { _, err := s.Get(ctx, "a"); return err }},
		{"List", func(ctx context.Context, s storage.Store) error { _, err := s.List(ctx, "", "", 1); return err }},
		{"Commit of a put", commit(storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "b"}}})},
		{"Commit of a delete", commit(storage.Batch{Checks: absent, Deletes: []string{"a"}})},
		{"Changes", func(ctx context.Context, s storage.Store) error { _, err := s.Changes(ctx, "a"); return err }},
	}
}

func contextEndedBeforeACall(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1"})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled, expired} {
		for _, call := range calls() {
			err := call.run(ctx, s)
			if !errors.Is(err, ctx.Err()) {
				t.Errorf("%s: got %v, want %v", call.name, err, ctx.Err())
			}
			if errors.Is(err, storage.ErrUnknownOutcome) {
				t.Errorf("%s: got %v, but nothing can have been sent", call.name, err)
			}
		}
	}
	t.expect(s, pairs{"a": "1"})
}

// contextEndedDuringACommit ends each context at another moment, while others
// commit. What was reported is compared with what is stored, at once and when
// everything has come to rest.
func contextEndedDuringACommit(t *trial) {
	s := t.open()
	stop := t.load()
	shortest := t.shortest(func() error { return s.Commit(t.Context(), guarded("never-there", 0, "timed", "")) })
	reported := map[string]error{}
	for i := range t.rounds(60) {
		key := fmt.Sprintf("cut/%02d", i)
		reported[key] = t.cut(2*shortest, func(ctx context.Context) error {
			return s.Commit(ctx, guarded(key, 0, key, "value"))
		})
		t.agrees(s, key, reported[key])
		if t.Failed() {
			break
		}
	}
	stop()
	for key, err := range reported {
		t.agrees(s, key, err)
	}
}

// agrees compares what a Commit reported with what is there.
func (t *trial) agrees(s storage.Store, key string, err error) {
	t.Helper()
	applied := len(t.get(s, key)) == 1
	switch {
	case err == nil && !applied:
		t.Errorf("%q: Commit returned nil, but it is absent", key)
	case err == nil || errors.Is(err, storage.ErrUnknownOutcome):
	case applied:
		t.Errorf("%q: Commit returned %v, but it is there", key, err)
	case !errors.Is(err, context.Canceled) && !nothingApplied(err):
		t.Errorf("%q: Commit returned %v", key, err)
	}
}

func contextEndedDuringARead(t *trial) {
	s := t.open()
	write := pairs{}
	var keys []string
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("read/%03d", i))
		write[keys[i]] = filled(1000)
	}
	t.put(s, write)
	for _, read := range []func(context.Context) ([]storage.Entry, error){
		func(ctx context.Context) ([]storage.Entry, error) { return s.Get(ctx, keys...) },
		func(ctx context.Context) ([]storage.Entry, error) { return s.List(ctx, "read/", "", storage.MaxList) },
	} {
		shortest := t.shortest(func() error { _, err := read(t.Context()); return err })
		for range t.rounds(100) {
			var got []storage.Entry
			err := t.cut(2*shortest, func(ctx context.Context) (err error) { got, err = read(ctx); return err })
			if err == nil && len(got) != len(keys) {
				t.Errorf("a read without an error found %d entries of %d", len(got), len(keys))
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("read: got %v, want %v", err, context.Canceled)
			}
		}
	}
}

// cut runs one call and ends its context at a random moment within the time.
func (t *trial) cut(within time.Duration, run func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	after := rand.N(within + time.Microsecond)
	defer time.AfterFunc(after, cancel).Stop()
	start := time.Now()
	err := run(ctx)
	if took := time.Since(start); took > after+t.patience {
		t.Errorf("a call returned %v after its context had ended", took-after)
	}
	return err
}

// load commits in the background through two Stores of its own, until stop.
func (t *trial) load() (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan []error, 1)
	var writers []func() error
	for i := range 2 {
		s := t.open()
		key := fmt.Sprintf("load/%d", i)
		writers = append(writers, func() error {
			for ctx.Err() == nil {
				err := s.Commit(t.Context(), storage.Batch{Checks: absent, Puts: []storage.Put{{Key: key}}})
				if err != nil && !nothingApplied(err) {
					return err
				}
			}
			return nil
		})
	}
	go func() { finished <- together(writers...) }()
	return func() {
		cancel()
		t.succeeded("Commit beside others", <-finished)
	}
}

// shortest is the time of the fastest of some calls: a context that ends
// within it ends within the others too.
func (t *trial) shortest(run func() error) time.Duration {
	t.Helper()
	least := time.Hour
	for range 5 {
		start := time.Now()
		if err := run(); err != nil {
			t.Fatalf("a call of which the context does not end: %v", err)
		}
		least = min(least, time.Since(start))
	}
	return least
}
