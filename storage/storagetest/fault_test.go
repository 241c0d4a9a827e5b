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

func TestFaultyCallFailsAsItsFaultSays(t *testing.T) {
	t.Parallel()
	type outcome struct {
		Commit, Read string // errors of the call that fails
		Applied      bool   // a commit
		After        string // error of the next call
		Ended        bool   // the context
	}
	unavailable, unknown := storage.ErrUnavailable.Error()+", ", storage.ErrUnknownOutcome.Error()+", "
	canceled := context.Canceled.Error() + ", "
	want := map[storagetest.Fault]outcome{
		storagetest.Refused:        {Commit: "failed", Read: unavailable},
		storagetest.Conflicted:     {Commit: storage.ErrConflict.Error() + ", ", Read: unavailable},
		storagetest.LostBefore:     {Commit: unknown, Read: unavailable},
		storagetest.LostAfter:      {Commit: unknown, Read: unavailable, Applied: true},
		storagetest.CrashBefore:    {Commit: unknown, Read: unavailable, After: unavailable},
		storagetest.CrashAfter:     {Commit: unknown, Read: unavailable, Applied: true, After: unavailable},
		storagetest.CanceledBefore: {Commit: unknown + canceled, Read: canceled, Ended: true},
		storagetest.CanceledAfter:  {Commit: unknown + canceled, Read: canceled, Applied: true, Ended: true},
	}
	got := map[storagetest.Fault]outcome{}
	for _, fault := range storagetest.Faults() {
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
		commitErr := writer.Commit(ctx, put)
		found, err := store.Get(t.Context(), "a")
		if err != nil || !writer.Failed() || !reader.Failed() {
			t.Errorf("%s: %v", fault, err)
		}
		_, after := writer.Get(t.Context(), "a")
		got[fault] = outcome{
			Commit: faultSeen(commitErr), Read: faultSeen(readErr), Applied: len(found) == 1,
			After: faultSeen(after), Ended: ctx.Err() != nil,
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
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
