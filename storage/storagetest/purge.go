package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// purgeCases are for a [storage.Purger]. That the bytes are gone is for the
// test of each driver to say, which knows where its files are.
func purgeCases() []testCase {
	return []testCase{
		{"PurgeKeepsWhatLives", purgeKeepsWhatLives},
		{"PurgeMayBeRepeated", purgeMayBeRepeated},
		{"PurgeReusesNoVersion", purgeReusesNoVersion},
		{"PurgeLosesNoCommit", purgeLosesNoCommit},
		{"PurgeLetsOthersReadOneInstant", purgeLetsOthersRead},
		{"PurgeLeavesChangesOpen", purgeLeavesChangesOpen},
		{"PurgeEndsWithItsContext", purgeEndsWithItsContext},
		{"PurgeAfterCloseIsErrClosed", purgeAfterClose},
	}
}

// tryPurge purges through s.
func (t *trial) tryPurge(ctx context.Context, s storage.Store) error {
	t.Helper()
	p, ok := s.(storage.Purger)
	if !ok {
		t.Fatalf("%T is no storage.Purger", s)
	}
	return p.Purge(ctx)
}

// purge gives way to others who purge or read, as a caller has to.
func (t *trial) purge(s storage.Store) {
	t.Helper()
	ctx, cancel := t.deadline()
	defer cancel()
	for {
		err := t.tryPurge(t.Context(), s)
		if err == nil {
			return
		}
		if !errors.Is(err, storage.ErrUnavailable) || ctx.Err() != nil {
			t.Fatalf("Purge: %v", err)
		}
	}
}

// history writes entries of which some are replaced and some deleted, small
// ones and large ones, and returns what lives.
func (t *trial) history(s storage.Store) []storage.Entry {
	t.Helper()
	write := pairs{}
	var keys, deleted []string
	for i := range 60 {
		key := fmt.Sprintf("kept/%02d", i)
		if i%3 == 0 {
			key = fmt.Sprintf("deleted/%02d", i)
			deleted = append(deleted, key)
		}
		keys = append(keys, key)
		write[key] = filled(10 + 10*i*i)
	}
	t.put(s, write)
	for _, key := range keys[:20] {
		t.put1(s, key, "replaced")
	}
	t.put1(s, "kept/empty", "")
	t.remove(s, deleted...)
	return t.list(s, "", "", storage.MaxList)
}

func purgeKeepsWhatLives(t *trial) {
	s, other := t.open(), t.open()
	want := t.history(s)
	t.purge(s)
	t.expectEntries("List after Purge", t.list(s, "", "", storage.MaxList), want...)
	t.expectEntries("Get after Purge", t.get(s, keysOf(want)...), want...)
	t.expectEntries("List of another Store", t.list(other, "", "", storage.MaxList), want...)
	t.close(s)
	t.expectEntries("List after reopening", t.list(t.open(), "", "", storage.MaxList), want...)
}

// purgeMayBeRepeated begins where there is nothing yet.
func purgeMayBeRepeated(t *trial) {
	s, other := t.open(), t.open()
	t.purge(s)
	want := t.history(s)
	for range 3 {
		t.purge(s)
		t.purge(other)
	}
	errs := together(
		func() error { return t.tryPurge(t.Context(), s) },
		func() error { return t.tryPurge(t.Context(), s) },
		func() error { return t.tryPurge(t.Context(), other) },
	)
	for _, err := range errs {
		if err != nil && !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Purge beside another one: %v", err)
		}
	}
	t.expectEntries("List after Purge", t.list(s, "", "", storage.MaxList), want...)
}

// purgeReusesNoVersion fails where a purge counts anew from what is left.
func purgeReusesNoVersion(t *trial) {
	versions := seen{}
	s := t.open()
	for i := range 3 {
		old := t.put1(s, "a", "old")
		versions.add(t, old)
		t.remove(s, "a")
		t.purge(s)
		if i == 1 {
			t.close(s)
			s = t.open()
		}
		versions.add(t, t.put1(s, "a", "new"))
		t.conflict(s, storage.Batch{Checks: []storage.Check{{Key: "a", Version: old}}, Deletes: []string{"a"}})
		t.expect(s, pairs{"a": "new"})
	}
}

func purgeLosesNoCommit(t *trial) {
	s := t.open()
	t.put(s, pairs{"counter": "0"})
	t.history(s)
	const workers = 2
	each := t.rounds(50)
	ctx, cancel := t.deadline()
	defer cancel()
	var done atomic.Int64
	actors := []func() error{func() error { return t.purgeUntil(ctx, s, func() bool { return done.Load() == workers }) }}
	for range workers {
		writer := t.open()
		actors = append(actors, func() error {
			defer done.Add(1)
			for range each {
				if err := increment(ctx, writer, "counter"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	t.succeeded("beside Purge", together(actors...))
	if got := t.content(s)["counter"]; got != strconv.Itoa(workers*each) {
		t.Errorf("%d increments beside Purge have counted to %s", workers*each, got)
	}
}

// purgeUntil purges again and again, at least twice, as often as others allow.
func (t *trial) purgeUntil(ctx context.Context, s storage.Store, enough func() bool) error {
	for purged := 0; purged < 2 || !enough(); {
		err := t.tryPurge(ctx, s)
		switch {
		case err == nil:
			purged++
		case !errors.Is(err, storage.ErrUnavailable):
			return fmt.Errorf("purge %d: %w", purged, err)
		}
		time.Sleep(time.Millisecond) // lets others come between
	}
	return nil
}

// purgeLetsOthersRead moves an entry to and fro, so that a reader who saw two
// instants would find it twice or not at all.
func purgeLetsOthersRead(t *trial) {
	s, writer, reader := t.open(), t.open(), t.open()
	t.put(s, pairs{"wide/000": "", "wide/001": "", "wide/299": ""})
	t.history(s)
	going, stop := t.deadline()
	defer stop()
	var reads atomic.Int64
	errs := together(
		func() error {
			defer stop()
			return t.purgeUntil(going, s, func() bool { return reads.Load() >= int64(t.rounds(20)) })
		},
		func() error {
			for i := 0; going.Err() == nil; i++ {
				if err := writer.Commit(t.Context(), move(i)); err != nil && !nothingApplied(err) {
					return fmt.Errorf("commit: %w", err)
				}
			}
			return nil
		},
		func() error {
			for ; going.Err() == nil; reads.Add(1) {
				found, err := reader.List(t.Context(), "wide/", "", storage.MaxList)
				if err != nil {
					return fmt.Errorf("list: %w", err)
				}
				if len(found) != 3 || string(found[0].Value) != string(found[2].Value) {
					return fmt.Errorf("no instant has these entries: %s", describe(found))
				}
			}
			return nil
		},
	)
	t.succeeded("beside Purge", errs)
}

func purgeLeavesChangesOpen(t *trial) {
	s, other := t.open(), t.open()
	t.history(s)
	channels := []<-chan struct{}{t.changes(s, "a/"), t.changes(other, "a/"), t.changes(other)}
	t.purge(s)
	for i := range 2 {
		for _, signals := range channels { // a purge may signal as well
			select {
			case <-signals:
			default:
			}
		}
		t.put1(other, "a/1", fmt.Sprint(i))
		for _, signals := range channels {
			t.signalled(signals)
		}
	}
}

func purgeEndsWithItsContext(t *trial) {
	s := t.open()
	want := t.history(s)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled, expired} {
		if err := t.tryPurge(ctx, s); !errors.Is(err, ctx.Err()) {
			t.Errorf("Purge: got %v, want %v", err, ctx.Err())
		}
	}
	shortest := t.shortest(func() error { return t.tryPurge(t.Context(), s) })
	for range t.rounds(20) {
		err := t.cut(2*shortest, func(ctx context.Context) error { return t.tryPurge(ctx, s) })
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Purge whose context has ended: got %v, want %v", err, context.Canceled)
		}
	}
	t.purge(s)
	t.expectEntries("List after Purge", t.list(s, "", "", storage.MaxList), want...)
}

func purgeAfterClose(t *trial) {
	s, other := t.open(), t.open()
	want := t.history(s)
	t.close(s)
	for range 2 {
		if err := t.tryPurge(t.Context(), s); !errors.Is(err, storage.ErrClosed) {
			t.Errorf("Purge after Close: got %v, want ErrClosed", err)
		}
	}
	t.purge(other)
	t.expectEntries("List of another Store", t.list(other, "", "", storage.MaxList), slices.Clone(want)...)
}
