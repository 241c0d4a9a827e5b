package secrets_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// fill creates so many secrets, as many as fit in each commit.
func fill(t testing.TB, org *secrets.Organization, count int) {
	t.Helper()
	for chunk := range slices.Chunk(make([]struct{}, count), 50) {
		err := org.Change(t.Context(), func(c *secrets.Change) error {
			for i := range chunk {
				if err := c.CreateSecret(secrets.Name(fmt.Sprintf("secret-%07d", count-i)), text("of many")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		count -= len(chunk)
	}
}

// heap returns what is in use once the garbage is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A listing holds a page, not more: after the first secrets it takes no more
// memory, however many there are. With SECRETS_TEST_LONG they are a million.
func TestListingTakesTheMemoryOfAPage(t *testing.T) { // not parallel: it measures the heap
	count := 2_000
	if long() {
		count = 1_000_000
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "secrets.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f := newFixtureOn(t, store)
	fill(t, f.org, count)

	org := get(t)(f.open(t, store).Organization(t.Context(), "acme")) // remembers nothing yet
	listed, early := 0, uint64(0)
	for s, err := range org.Secrets(t.Context(), nil) {
		if err != nil || s.Version != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		switch listed++; listed {
		case 1_000:
			early = heap()
		case count:
			const slack = 24 << 20 // what is remembered of 65,536 records, and noise
			if late := heap(); late > early+slack {
				t.Errorf("after %d secrets %d bytes are in use, after 1,000 they were %d", count, late, early)
			}
		}
	}
	if listed != count {
		t.Errorf("%d secrets are listed, want %d", listed, count)
	}
}
