package secrets_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// meet reads records with a counter, from the given one to before the last.
func meet(t *testing.T, floors *secrets.Floors, counter uint64, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := floors.Raise(nth(i), counter); err != nil {
			t.Fatal(err)
		}
	}
}

func nth(i int) string { return fmt.Sprintf("org/acme/secret/secret-%07d", i) }

// Records that are written again and again take nobody's place, and the newest
// stay.
func TestOfManyRecords65536AreRemembered(t *testing.T) {
	t.Parallel()
	const kept, all = 1 << 16, 1<<17 + 10_000
	floors := new(secrets.Floors)
	meet(t, floors, 2, 0, all)
	for counter := range uint64(5) {
		meet(t, floors, 3+counter, all-kept/8, all)
	}
	remembered := 0
	for i := range all {
		switch err := floors.Absent(nth(i)); {
		case errors.Is(err, secrets.ErrTampered):
			remembered++
		case i >= all-10_000:
			t.Fatalf("record %d of %d is forgotten", i, all)
		}
	}
	if remembered != kept {
		t.Errorf("%d records are remembered, want %d", remembered, kept)
	}
	if err := floors.Raise(nth(all-1), 6); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("a record goes back: %v", err)
	}
}

// Once as many records are remembered as ever will be, more take no memory.
func TestMemoryOfWhatIsRememberedDoesNotGrow(t *testing.T) { // not parallel: it measures the heap
	if raceDetector {
		t.Log("measured without the race detector")
		return
	}
	const full, most = 70_000, 256 << 10
	floors := new(secrets.Floors)
	meet(t, floors, 2, 0, full)
	early := heap()
	meet(t, floors, 2, full, 1_000_000)
	if late := heap(); late > early+most {
		t.Errorf("%d bytes are in use, and were %d when it was full", late, early)
	}
	runtime.KeepAlive(floors)
}
