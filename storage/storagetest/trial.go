package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A trial is one case run against one driver: the test and the data it works
// on. It is a [testing.TB] and not a *testing.T, so that the suite's own tests
// can watch a case fail.
type trial struct {
	testing.TB
	name     string
	connect  func() storage.Store // a new Store over the data of this trial
	patience time.Duration        // how long to wait for what must happen
	short    bool
}

// pairs are keys and values to write or to find.
type pairs = map[string]string

// open returns a new Store over the data of this trial, closed at its end.
func (t *trial) open() storage.Store {
	t.Helper()
	s := t.connect()
	t.Cleanup(func() { t.close(s) })
	return s
}

func (t *trial) close(s storage.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// rounds is how often to repeat what needs luck to fail.
func (t *trial) rounds(n int) int {
	if t.short {
		return (n + 4) / 5
	}
	return n
}

func (t *trial) get(s storage.Store, keys ...string) []storage.Entry {
	t.Helper()
	entries, err := s.Get(t.Context(), keys...)
	if err != nil {
		t.Fatalf("Get of %d keys: %v", len(keys), err)
	}
	return entries
}

func (t *trial) list(s storage.Store, prefix, after string, limit int) []storage.Entry {
	t.Helper()
	entries, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	return entries
}

func (t *trial) commit(s storage.Store, b storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// conflict commits a batch of which a check does not hold.
func (t *trial) conflict(s storage.Store, b storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("Commit with a check that does not hold: got %v, want ErrConflict", err)
	}
}

// put writes the pairs in as few batches as the limits allow, whatever is
// there, and returns the versions that they got.
func (t *trial) put(s storage.Store, write pairs) map[string]uint64 {
	t.Helper()
	keys := slices.Sorted(maps.Keys(write))
	versions := map[string]uint64{}
	for part := range slices.Chunk(keys, storage.MaxWrites) {
		b := storage.Batch{Checks: t.checks(s, part...)}
		for _, key := range part {
			b.Puts = append(b.Puts, storage.Put{Key: key, Value: []byte(write[key])})
		}
		t.commit(s, b)
		maps.Copy(versions, t.versions(s, part...))
	}
	return versions
}

func (t *trial) put1(s storage.Store, key, value string) uint64 {
	t.Helper()
	return t.put(s, pairs{key: value})[key]
}

func (t *trial) remove(s storage.Store, keys ...string) {
	t.Helper()
	t.commit(s, storage.Batch{Checks: t.checks(s, keys...), Deletes: keys})
}

// versions leaves absent keys out, which reads as 0.
func (t *trial) versions(s storage.Store, keys ...string) map[string]uint64 {
	t.Helper()
	versions := map[string]uint64{}
	for _, e := range t.get(s, keys...) {
		versions[e.Key] = e.Version
	}
	return versions
}

func (t *trial) checks(s storage.Store, keys ...string) []storage.Check {
	t.Helper()
	versions := t.versions(s, keys...)
	var checks []storage.Check
	for _, key := range keys {
		checks = append(checks, storage.Check{Key: key, Version: versions[key]})
	}
	return checks
}

// content reads everything, by pages of which each is one instant.
func (t *trial) content(s storage.Store) pairs {
	t.Helper()
	found := pairs{}
	after := ""
	for {
		page := t.list(s, "", after, storage.MaxList)
		for _, e := range page {
			if e.Key <= after {
				t.Fatalf("List found %q after %q", e.Key, after)
			}
			found[e.Key] = string(e.Value)
			after = e.Key
		}
		if len(page) < storage.MaxList {
			return found
		}
	}
}

// expect compares everything that is stored.
func (t *trial) expect(s storage.Store, want pairs) {
	t.Helper()
	got := t.content(s)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[key]; !ok {
			t.Errorf("%q is absent, want %s", key, brief(want[key]))
		} else if value != want[key] {
			t.Errorf("%q is %s, want %s", key, brief(value), brief(want[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%q is %s, want it absent", key, brief(got[key]))
		}
	}
}

// expectEntries compares keys, their order and values.
func (t *trial) expectEntries(what string, got []storage.Entry, want ...storage.Entry) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b storage.Entry) bool {
		return a.Key == b.Key && a.Version == b.Version && bytes.Equal(a.Value, b.Value)
	}) {
		t.Errorf("%s:\n got %s\nwant %s", what, describe(got), describe(want))
	}
}

func (t *trial) expectKeys(what string, got []storage.Entry, want ...string) {
	t.Helper()
	if keys := keysOf(got); !slices.Equal(keys, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, keys, want)
	}
}

// together runs the functions at the same moment and returns their errors in
// order.
func together(fns ...func() error) []error {
	var group sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, len(fns))
	for i, fn := range fns {
		group.Go(func() {
			<-start
			errs[i] = fn()
		})
	}
	close(start)
	group.Wait()
	return errs
}

// nothingApplied says that a Commit among others was refused in a way that
// allows to repeat it.
func nothingApplied(err error) bool {
	return errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrUnavailable)
}

// eventually waits for what must become true.
func (t *trial) eventually(what string, happened func() bool) bool {
	t.Helper()
	deadline := time.Now().Add(t.patience)
	for !happened() {
		if time.Now().After(deadline) {
			t.Errorf("not within %v: %s", t.patience, what)
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

// deadline bounds what is repeated until it succeeds, and may have to be
// repeated often.
func (t *trial) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 6*t.patience)
}

func (t *trial) succeeded(what string, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func keysOf(entries []storage.Entry) []string {
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return keys
}

func describe(entries []storage.Entry) string {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "[%q %s version %d] ", e.Key, brief(string(e.Value)), e.Version)
	}
	return b.String()
}

// brief keeps a failure readable where values are long.
func brief(value string) string {
	const most = 40
	if len(value) > most {
		return fmt.Sprintf("%q and %d bytes more", value[:most], len(value)-most)
	}
	return fmt.Sprintf("%q", value)
}
