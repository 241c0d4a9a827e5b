package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// faultSeen says what a call returned, and what the next one finds.
func faultSeen(err error) string {
	seen := ""
	for _, known := range []error{storage.ErrUnavailable, storage.ErrUnknownOutcome, storage.ErrConflict, context.Canceled} {
		if errors.Is(err, known) {
			seen += known.Error() + ", "
		}
	}
	if err != nil && !errors.Is(err, storagetest.ErrFault) {
		seen += "not injected: " + err.Error()
	}
	if err != nil && seen == "" {
		seen = "failed"
	}
	return seen
}

// A faultOutcome is what came of the calls that a fault has hit.
type faultOutcome struct {
	Commit, Read string // errors of the call that fails
	Applied      bool   // a commit
	After        string // error of the next call
	Ended        bool   // the context
}

func TestFaultyCallFailsAsItsFaultSays(t *testing.T) {
	t.Parallel()
	unavailable, unknown := storage.ErrUnavailable.Error()+", ", storage.ErrUnknownOutcome.Error()+", "
	canceled := context.Canceled.Error() + ", "
	want := map[storagetest.Fault]faultOutcome{
		storagetest.Refused:        {Commit: "failed", Read: unavailable},
		storagetest.Conflicted:     {Commit: storage.ErrConflict.Error() + ", ", Read: unavailable},
		storagetest.LostBefore:     {Commit: unknown, Read: unavailable},
		storagetest.LostAfter:      {Commit: unknown, Read: unavailable, Applied: true},
		storagetest.CrashBefore:    {Commit: unknown, Read: unavailable, After: unavailable},
		storagetest.CrashAfter:     {Commit: unknown, Read: unavailable, Applied: true, After: unavailable},
		storagetest.CanceledBefore: {Commit: unknown + canceled, Read: canceled, Ended: true},
		storagetest.CanceledAfter:  {Commit: unknown + canceled, Read: canceled, Applied: true, Ended: true},
	}
	for name, commit := range map[string]func(*storagetest.Faulty, context.Context, storage.Batch) error{
		"Commit": (*storagetest.Faulty).Commit,
		"CommitVersion": func(f *storagetest.Faulty, ctx context.Context, b storage.Batch) error {
			version, err := f.CommitVersion(ctx, b)
			if version != 0 {
				t.Errorf("a commit that fails has said version %d", version)
			}
			return err
		},
	} {
		got := map[storagetest.Fault]faultOutcome{}
		for _, fault := range storagetest.Faults() {
			got[fault] = outcomeOf(t, fault, commit)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outcomes of %s (-want +got):\n%s", name, diff)
		}
	}
}

// outcomeOf lets the second of two reads fail, and then a commit of another
// Faulty.
func outcomeOf(t *testing.T, fault storagetest.Fault, commit func(*storagetest.Faulty, context.Context, storage.Batch) error) faultOutcome {
	t.Helper()
	store := memory.New()
	defer store.Close()
	put := storage.Batch{Checks: []storage.Check{{Key: "a"}}, Puts: []storage.Put{{Key: "a", Value: []byte("v")}}}

	reader := storagetest.NewFaulty(store, fault)
	ctx := reader.Fail(t.Context(), 2)
	if _, err := reader.Get(ctx, "a"); err != nil || reader.Failed() {
		t.Errorf("%s: the first call: %v", fault, err)
	}
	_, readErr := reader.List(ctx, "", "", 1)

	writer := storagetest.NewFaulty(store, fault)
	ctx = writer.Fail(t.Context(), 1)
	commitErr := commit(writer, ctx, put)
	found, err := store.Get(t.Context(), "a")
	if err != nil || !writer.Failed() || !reader.Failed() {
		t.Errorf("%s: %v", fault, err)
	}
	_, after := writer.Get(t.Context(), "a")
	return faultOutcome{
		Commit: faultSeen(commitErr), Read: faultSeen(readErr), Applied: len(found) == 1,
		After: faultSeen(after), Ended: ctx.Err() != nil,
	}
}

// TestFaultySaysTheVersionOfACommitThatSucceeds fails with a Faulty that counts
// Commit and CommitVersion apart, or one of them twice.
func TestFaultySaysTheVersionOfACommitThatSucceeds(t *testing.T) {
	t.Parallel()
	store := storagetest.NewFaulty(memory.New(), storagetest.Refused)
	defer store.Close()
	ctx := store.Fail(t.Context(), 3)
	batch := storage.Batch{Checks: []storage.Check{{Key: "other"}}, Puts: []storage.Put{{Key: "a"}}}
	if err := store.Commit(ctx, batch); err != nil {
		t.Fatal(err)
	}
	version, err := store.CommitVersion(ctx, batch)
	if err != nil || store.Failed() {
		t.Fatalf("the second call: %v", err)
	}
	if err := store.Commit(ctx, batch); !errors.Is(err, storagetest.ErrFault) {
		t.Errorf("the third call: got %v, want ErrFault", err)
	}
	if found, err := store.Get(ctx, "a"); err != nil || version == 0 || found[0].Version != version {
		t.Errorf("the second call has said version %d: %v, %v", version, found, err)
	}
}

// A counter is increased on a store that loses a reply. Whoever only repeats
// what failed counts twice.
func ExampleFaulty() {
	increase := func(ctx context.Context, store storage.Store) error {
		found, err := store.Get(ctx, "counter")
		if err != nil {
			return err
		}
		check := storage.Check{Key: "counter"}
		var value []byte
		if len(found) == 1 {
			check.Version, value = found[0].Version, found[0].Value
		}
		return store.Commit(ctx, storage.Batch{
			Checks: []storage.Check{check},
			Puts:   []storage.Put{{Key: "counter", Value: append(value, 'I')}},
		})
	}
	for n := 1; ; n++ {
		store := storagetest.NewFaulty(memory.New(), storagetest.LostAfter)
		ctx := store.Fail(context.Background(), n)
		for increase(ctx, store) != nil {
		}
		found, err := store.Get(context.Background(), "counter")
		if err != nil || !store.Failed() {
			break
		}
		fmt.Printf("lost at call %d: %s\n", n, found[0].Value)
	}
	// Output:
	// lost at call 1: I
	// lost at call 2: II
}
