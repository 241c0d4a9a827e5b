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

// Records that are written again and again take nobody's place.
func TestNoneOf65536RecordsThatWereMetLastGoesBack(t *testing.T) {
	t.Parallel()
	const all, kept = 140_000, 1 << 16
	floors := new(secrets.Floors)
	meet(t, floors, 2, 0, all)
	for counter := range uint64(5) {
		meet(t, floors, 3+counter, all-kept/4, all)
	}
	for i := all - kept; i < all; i += 5 {
		if err := floors.Raise(nth(i), 1); !errors.Is(err, secrets.ErrTampered) {
			t.Fatalf("record %d goes back: %v", i, err)
		}
		if err := floors.Absent(nth(i)); !errors.Is(err, secrets.ErrTampered) {
			t.Fatalf("record %d is hidden: %v", i, err)
		}
	}
	if err := floors.Raise(nth(0), 1); err != nil {
		t.Errorf("the first of %d records is remembered still: %v", all, err)
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
	meet(t, floors, 2, full, 1_003_000) // the youngest generation is nearly full
	if late := heap(); late > early+most {
		t.Errorf("%d bytes are in use, and were %d when it was full", late, early)
	}
	runtime.KeepAlive(floors)
}
