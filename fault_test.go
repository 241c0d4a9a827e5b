package secrets_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// maxCalls is more calls than an operation makes: reaching it means that a loop
// below would never end.
const maxCalls = 200

func TestEveryOperationSurvivesAFaultAtEveryCallAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	for _, op := range append(operations(), sweeping()) {
		if op.crowd && brief() {
			continue
		}
		for _, fault := range storagetest.Faults() {
			t.Run(op.name+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				if op.prepare != nil {
					op.prepare(t, f)
				}
				at := 1
				for more := true; more && at < maxCalls; at++ {
					// In a bubble the waits for an abandoned claim take no time.
					synctest.Test(t, func(t *testing.T) { more = tryFault(t, f.clone(t), op, fault, at) })
				}
				if at <= 2 || at == maxCalls {
					t.Errorf("%d calls", at)
				}
				t.Attr("faults-driven", fmt.Sprint(at-1))
			})
		}
	}
}

// tryFault does an operation with a fault at one call, and then repeats it
// without. It returns false once the operation makes fewer calls.
func tryFault(t *testing.T, f *fixture, op operation, fault storagetest.Fault, at int) bool {
	t.Helper()
	defer logIfFailed(t, "fault at call %d", at)
	store := storagetest.NewFaulty(f.store, fault)
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	op.begin(t, org)
	before := entries(t, f.store, "")
	err := op.do(store.Fail(t.Context(), at), t, f, org, client)
	sweepError(t, err)
	op.wantHonest(t, err, before, entries(t, f.store, ""))
	switch {
	case err == nil && store.Failed() && crashes(fault):
		t.Error("the store was gone, and no error")
	case err != nil && !errors.Is(err, storagetest.ErrFault) && !errors.Is(err, secrets.ErrUnknownOutcome):
		t.Errorf("got %v", err)
	case err != nil && settles(fault) && !errors.Is(err, storagetest.ErrFault):
		t.Errorf("not settled: %v", err)
	}
	if err != nil {
		f.repeat(t, op)
	}
	f.verify(t, op)
	return store.Failed() && !t.Failed()
}

// settles reports whether an operation can find out what became of its commit.
func settles(fault storagetest.Fault) bool {
	return fault == storagetest.LostBefore || fault == storagetest.LostAfter || fault == storagetest.Conflicted
}

func crashes(fault storagetest.Fault) bool {
	return fault == storagetest.CrashBefore || fault == storagetest.CrashAfter
}
