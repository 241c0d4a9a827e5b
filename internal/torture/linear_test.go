package torture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// long reports whether the tests may take minutes.
func long() bool { return os.Getenv("SECRETS_TEST_LONG") != "" }

func TestHistoriesOverMemoryAreLinearizable(t *testing.T) {
	t.Parallel()
	root, rounds, seen := newRoot(t), uint64(60), tally{}
	if long() {
		rounds = 1500
	}
	for seed := range rounds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playMemory(t, root, seed, nil).judge(t, seen)
		})
	}
	seen.wantEverything(t)
}

// playMemory plays a round in a bubble, where the order of the calls is that of
// the pauses which are drawn. The clients reach the store through what through,
// unless it is nil, returns.
func playMemory(t *testing.T, root crypto.Root, seed uint64, through func(storage.Store) storage.Store) (r *round) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var store storage.Store = memory.New()
		defer store.Close()
		r = newRound(t, store, root, seed)
		r.beat = beat
		if through != nil {
			store = through(store)
		}
		r.play(t.Context(), store)
	})
	return r
}

func TestSeedRepeatsItsHistoryOverMemory(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for seed := range uint64(8) {
		first, second := playMemory(t, root, seed, nil), playMemory(t, root, seed, nil)
		for _, secret := range secretNames {
			if diff := cmp.Diff(printed(first.history.of(secret)), printed(second.history.of(secret))); diff != "" {
				t.Errorf("seed %d (-first +second):\n%s", seed, diff)
			}
		}
	}
}

func TestHistoriesOverSQLiteAreLinearizable(t *testing.T) {
	t.Parallel()
	root, path, rounds, seen := newRoot(t), filepath.Join(t.TempDir(), "secrets.db"), 20, tally{}
	if long() {
		rounds = 150
	}
	stores := []storage.Store{openSQLite(t, path, nil), openSQLite(t, path, nil)}
	for seed := range rounds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRound(t, stores[0], root, uint64(seed))
			r.play(t.Context(), stores...)
			r.judge(t, seen)
			r.end(t, stores[0])
		})
	}
	seen.wantEverything(t)
}

func openSQLite(t testing.TB, path string, opts *sqlite.Options) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// judge checks the history of a round that has ended.
func (r *round) judge(t *testing.T, seen tally) {
	t.Helper()
	if err := r.history.check(t); err != nil {
		t.Error(err)
	}
	for _, op := range r.history.operations {
		seen[op.Input.(input).kind]++
		seen[op.Output.(output).answer]++
	}
}

// A tally counts the kinds and the answers of operations.
type tally map[any]int

// wantEverything fails a test that was too tame to mean anything. One that runs
// few of its seeds says nothing.
func (seen tally) wantEverything(t *testing.T) {
	t.Helper()
	total := 0
	for _, a := range actions() {
		total += seen[a.kind]
	}
	t.Logf("%v", seen)
	t.Attr("operations", fmt.Sprint(total))
	t.Attr("of-unknown-outcome", fmt.Sprint(seen[unknown]))
	if total < 4000 {
		return
	}
	for _, a := range actions() {
		if seen[a.kind] == 0 {
			t.Errorf("no %s", a.kind)
		}
	}
	for _, a := range []answer{done, notFound, exists, inUse, unknown, nothing} {
		if seen[a] == 0 {
			t.Errorf("nothing was answered with %q", a)
		}
	}
}
