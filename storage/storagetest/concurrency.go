package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func concurrencyCases() []testCase {
	return []testCase{
		{"ConcurrentWriteSkewIsRefused", writeSkewIsRefused},
		{"ConcurrentPhantomIsRefused", phantomIsRefused},
		{"ConcurrentCreationHasOneWinner", creationHasOneWinner},
		{"ConcurrentIncrementsAreNotLost", incrementsAreNotLost},
		{"GetReadsOneInstant", getReadsOneInstant},
		{"ListReadsOneInstant", listReadsOneInstant},
	}
}

// writeSkewIsRefused: of two on duty each may leave if the other stays. The
// two batches write different keys, so only checks that are held until the
// commit keep one of them on duty.
func writeSkewIsRefused(t *trial) {
	a, b := t.open(), t.open()
	applied := 0
	for range t.rounds(40) {
		duty := t.put(a, pairs{"x": "on", "y": "on"})
		errs := together(
			func() error { return a.Commit(t.Context(), guarded("y", duty["y"], "x", "off")) },
			func() error { return b.Commit(t.Context(), guarded("x", duty["x"], "y", "off")) },
		)
		applied += t.atMostOne(errs)
		t.expect(a, pairs{"x": outcome(errs[0], "off", "on"), "y": outcome(errs[1], "off", "on")})
		if t.Failed() {
			return
		}
	}
	if applied == 0 {
		t.Error("no batch of any round was applied")
	}
}

// phantomIsRefused: each creates its own key if the other's is absent. There
// is no row yet that a database could lock.
func phantomIsRefused(t *trial) {
	a, b := t.open(), t.open()
	applied := 0
	for range t.rounds(40) {
		t.commit(a, storage.Batch{Checks: absent, Deletes: []string{"x", "y"}})
		errs := together(
			func() error { return a.Commit(t.Context(), guarded("y", 0, "x", "a")) },
			func() error { return b.Commit(t.Context(), guarded("x", 0, "y", "b")) },
		)
		applied += t.atMostOne(errs)
		want := pairs{}
		if errs[0] == nil {
			want["x"] = "a"
		}
		if errs[1] == nil {
			want["y"] = "b"
		}
		t.expect(a, want)
		if t.Failed() {
			return
		}
	}
	if applied == 0 {
		t.Error("no batch of any round was applied")
	}
}

func creationHasOneWinner(t *trial) {
	stores := []storage.Store{t.open(), t.open(), t.open(), t.open()}
	for round := range t.rounds(20) {
		key := fmt.Sprintf("new/%d", round)
		var creators []func() error
		for i, s := range stores {
			creators = append(creators, func() error { return s.Commit(t.Context(), guarded(key, 0, key, strconv.Itoa(i))) })
		}
		errs := together(creators...)
		if t.atMostOne(errs) == 0 {
			continue // each may have given way to another
		}
		for i, err := range errs {
			if got := t.get(stores[0], key); err == nil && string(got[0].Value) != strconv.Itoa(i) {
				t.Errorf("Store %d created %q, but it holds %q", i, key, got[0].Value)
			}
		}
	}
	if len(t.content(stores[0])) == 0 {
		t.Error("no batch of any round was applied")
	}
}

func incrementsAreNotLost(t *trial) {
	const workersOfAStore = 2
	stores := []storage.Store{t.open(), t.open()}
	each := t.rounds(25)
	t.put(stores[0], pairs{"counter": "0"})
	ctx, cancel := t.deadline()
	defer cancel()
	var workers []func() error
	for _, s := range slices.Repeat(stores, workersOfAStore) {
		workers = append(workers, func() error {
			for range each {
				if err := increment(ctx, s, "counter"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	t.succeeded("increment", together(workers...))
	t.expect(t.open(), pairs{"counter": strconv.Itoa(len(workers) * each)})
}

// increment adds one by compare and swap until no other was faster.
func increment(ctx context.Context, s storage.Store, key string) error {
	for {
		found, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("get of %q found %d entries", key, len(found))
		}
		n, err := strconv.Atoi(string(found[0].Value))
		if err != nil {
			return err
		}
		time.Sleep(50 * time.Microsecond) // lets others come between, however fast the driver is
		err = s.Commit(ctx, guarded(key, found[0].Version, key, strconv.Itoa(n+1)))
		if !nothingApplied(err) {
			return err
		}
	}
}

// wide is more keys than a driver may ask for in one request of its database.
const wide = 300

func getReadsOneInstant(t *trial) {
	keys := make([]string, wide)
	for i := range keys {
		keys[i] = fmt.Sprintf("wide/%03d", i)
	}
	readsOneInstant(t, func(s storage.Store) ([]storage.Entry, error) { return s.Get(t.Context(), keys...) })
}

func listReadsOneInstant(t *trial) {
	readsOneInstant(t, func(s storage.Store) ([]storage.Entry, error) {
		return s.List(t.Context(), "wide/", "", storage.MaxList)
	})
}

// readsOneInstant writes the first and the last of many keys together, and
// moves one entry between two keys, while others read all of them.
func readsOneInstant(t *trial, read func(storage.Store) ([]storage.Entry, error)) {
	writer := t.open()
	write := pairs{}
	for i := range wide {
		write[fmt.Sprintf("wide/%03d", i)] = ""
	}
	delete(write, "wide/298")
	t.put(writer, write)

	going, stop := t.deadline()
	defer stop()
	atLeast := time.Now().Add(100 * time.Millisecond) // many more rounds where they are short
	var reads atomic.Int64
	actors := []func() error{func() error {
		defer stop()
		for i := 0; i < t.rounds(60) || reads.Load() < int64(t.rounds(40)) || time.Now().Before(atLeast); i++ {
			if going.Err() != nil {
				return fmt.Errorf("ended after %d commits and %d reads", i, reads.Load())
			}
			if err := writer.Commit(t.Context(), move(i)); err != nil && !nothingApplied(err) {
				return fmt.Errorf("commit: %w", err)
			}
		}
		return nil
	}}
	for range 2 {
		s := t.open()
		actors = append(actors, func() error {
			defer stop()
			for going.Err() == nil {
				entries, err := read(s)
				if err != nil {
					return fmt.Errorf("read: %w", err)
				}
				if err := oneInstant(entries); err != nil {
					return err
				}
				reads.Add(1)
			}
			return nil
		})
	}
	t.succeeded("beside others", together(actors...))
}

// move writes the same number to both ends of the keys, and carries the entry
// of wide/001 to wide/298 and back.
func move(i int) storage.Batch {
	from, to := "wide/001", "wide/298"
	if i%2 == 1 {
		from, to = to, from
	}
	value := []byte(strconv.Itoa(i))
	return storage.Batch{
		Checks:  absent,
		Puts:    []storage.Put{{Key: "wide/000", Value: value}, {Key: to}, {Key: "wide/299", Value: value}},
		Deletes: []string{from},
	}
}

func oneInstant(entries []storage.Entry) error {
	if n := len(entries); n != wide-1 {
		return fmt.Errorf("%d entries, want %d at each instant", n, wide-1)
	}
	first, last := entries[0], entries[len(entries)-1]
	if string(first.Value) != string(last.Value) {
		return fmt.Errorf("%q is %q and %q is %q, which were always written together", first.Key, first.Value, last.Key, last.Value)
	}
	return nil
}

// guarded writes one key if another has the version.
func guarded(checked string, version uint64, key, value string) storage.Batch {
	return storage.Batch{
		Checks: []storage.Check{{Key: checked, Version: version}},
		Puts:   []storage.Put{{Key: key, Value: []byte(value)}},
	}
}

func outcome(err error, applied, not string) string {
	if err == nil {
		return applied
	}
	return not
}

// atMostOne counts the batches that were applied.
func (t *trial) atMostOne(errs []error) (applied int) {
	t.Helper()
	for _, err := range errs {
		if err == nil {
			applied++
		} else if !nothingApplied(err) {
			t.Errorf("Commit among others: %v", err)
		}
	}
	if applied > 1 {
		t.Errorf("%d batches were applied of which each excludes the others", applied)
	}
	return applied
}
