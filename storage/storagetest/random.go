package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// seedVariable repeats a random run. Without it each run has a new seed, which
// is printed with the operations if the run fails.
const seedVariable = "STORAGETEST_SEED"

func randomCases() []testCase {
	return []testCase{{"RandomOperationsAgreeWithAModel", randomOperationsAgreeWithAModel}}
}

// A walk is a sequence of random operations on two Stores over the same data,
// each compared with a plain map.
type walk struct {
	*trial
	rng    *rand.Rand
	stores [2]storage.Store
	model  map[string]storage.Entry
	past   map[string][]uint64 // every version that a key has had
	log    []string
}

func randomOperationsAgreeWithAModel(t *trial) {
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	w := &walk{
		trial:  t,
		rng:    rand.New(rand.NewPCG(seed, 0)),
		stores: [2]storage.Store{t.open(), t.open()},
		model:  map[string]storage.Entry{},
		past:   map[string][]uint64{},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d\n%s", seedVariable, seed, strings.Join(w.log, "\n"))
		}
	})
	for range t.rounds(500) {
		w.step()
		if t.Failed() {
			return
		}
	}
}

// walkKeys are few, so that operations meet, and lie close to each other.
var walkKeys = []string{"a", "a-", "a-b", "a/", "a/b", "a/b/c", "a_", "a%", "aB", "A", "b", "b/1", "b/10", "b/2", "~", "~~", "0"}

func (w *walk) step() {
	i := w.rng.IntN(len(w.stores))
	s := w.stores[i]
	switch n := w.rng.IntN(100); {
	case n < 25:
		w.get(s)
	case n < 50:
		w.list(s)
	case n < 97:
		w.commit(s)
	default:
		w.logf("reopen Store %d", i)
		w.close(s)
		w.stores[i] = w.open()
	}
}

func (w *walk) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// keys draws some, the same one more than once if repeat is set.
func (w *walk) keys(most int, repeat bool) []string {
	n := w.rng.IntN(most + 1)
	var drawn []string
	for _, at := range w.rng.Perm(len(walkKeys))[:n] {
		if repeat {
			at = w.rng.IntN(len(walkKeys))
		}
		drawn = append(drawn, walkKeys[at])
	}
	return drawn
}

func (w *walk) get(s storage.Store) {
	keys := w.keys(len(walkKeys), true)
	w.logf("Get(%q)", keys)
	var want []storage.Entry
	for _, key := range keys {
		if e, ok := w.model[key]; ok {
			want = append(want, e)
		}
	}
	w.expectEntries("Get", w.trial.get(s, keys...), want...)
}

func (w *walk) list(s storage.Store) {
	prefix, after := w.part(), w.part()
	limit := 1 + w.rng.IntN(len(walkKeys)+1)
	w.logf("List(%q, %q, %d)", prefix, after, limit)
	var want []storage.Entry
	for _, key := range below(slices.Sorted(maps.Keys(w.model)), prefix, after, limit) {
		want = append(want, w.model[key])
	}
	w.expectEntries("List", w.trial.list(s, prefix, after, limit), want...)
}

// part is the beginning of a key, often nothing and often all of it.
func (w *walk) part() string {
	key := walkKeys[w.rng.IntN(len(walkKeys))]
	return key[:min(len(key), w.rng.IntN(4))]
}

func (w *walk) commit(s storage.Store) {
	b, holds := w.batch()
	w.logf("Commit(%v) with checks that hold: %v", b, holds)
	err := s.Commit(w.Context(), b)
	switch {
	case holds && err != nil:
		w.Errorf("Commit: %v", err)
	case !holds && !errors.Is(err, storage.ErrConflict):
		w.Errorf("Commit with a check that does not hold: got %v, want ErrConflict", err)
	case holds:
		w.learn(s, b)
	}
}

// batch is one whose checks all hold, in two of three.
func (w *walk) batch() (b storage.Batch, holds bool) {
	holds = true
	stale := w.rng.IntN(3) == 0
	for _, key := range append(w.keys(4, false), "never-there") {
		check := storage.Check{Key: key, Version: w.model[key].Version}
		if past := w.past[key]; stale && w.rng.IntN(2) == 0 {
			wrong := append(slices.Clone(past), 0, 1<<62)
			check.Version = wrong[w.rng.IntN(len(wrong))]
		}
		holds = holds && check.Version == w.model[key].Version
		b.Checks = append(b.Checks, check)
	}
	for i, key := range w.keys(6, false) {
		if w.rng.IntN(3) == 0 {
			b.Deletes = append(b.Deletes, key)
		} else {
			b.Puts = append(b.Puts, storage.Put{Key: key, Value: fmt.Appendf(nil, "%d.%d", len(w.log), i)})
		}
	}
	return b, holds
}

// learn applies the batch to the model. The versions are the driver's to
// choose, so they are read back.
func (w *walk) learn(s storage.Store, b storage.Batch) {
	for _, key := range b.Deletes {
		delete(w.model, key)
	}
	for _, put := range b.Puts {
		version := w.versions(s, put.Key)[put.Key]
		if version == 0 || slices.Contains(w.past[put.Key], version) {
			w.Errorf("%q was put at version %d, which it has had, or is none", put.Key, version)
		}
		w.past[put.Key] = append(w.past[put.Key], version)
		w.model[put.Key] = storage.Entry{Key: put.Key, Value: put.Value, Version: version}
	}
}
