package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func changesCases() []testCase {
	return []testCase{
		{"ChangesSignalsEachKindOfCommit", signalsEachKindOfCommit},
		{"ChangesSignalsUnderAnyOfItsPrefixes", signalsUnderAnyOfItsPrefixes},
		{"ChangesSignalsTheFirstCommitAfterIt", signalsTheFirstCommitAfterIt},
		{"ChangesSignalsOnceACommitIsSeen", signalsOnceACommitIsSeen},
		{"ChangesSignalsEveryReader", signalsEveryReader},
		{"ChangesCopiesItsPrefixes", copiesItsPrefixes},
		{"ChangesIsCoalesced", isCoalesced},
		{"ChangesIsQuietWithoutCommits", isQuietWithoutCommits},
		{"ChangesEndsWithItsContext", endsWithItsContext},
		{"ChangesEndsBesideCommits", endsBesideCommits},
		{"ChangesLeavesNoGoroutine", leavesNoGoroutine},
	}
}

func (t *trial) changes(s storage.Store, prefixes ...string) <-chan struct{} {
	t.Helper()
	signals, err := s.Changes(t.Context(), prefixes...)
	if err != nil {
		t.Fatalf("Changes(%q): %v", prefixes, err)
	}
	return signals
}

// signalled takes one signal.
func (t *trial) signalled(signals <-chan struct{}) bool {
	t.Helper()
	select {
	case _, open := <-signals:
		if !open {
			t.Error("the channel was closed")
		}
		return open
	case <-time.After(t.patience):
		t.Errorf("no signal within %v", t.patience)
		return false
	}
}

// closed wants the channel to end, behind the signal that it may hold.
func (t *trial) closed(signals <-chan struct{}) {
	t.Helper()
	t.eventually("the channel is closed", func() bool {
		select {
		case _, open := <-signals:
			return !open
		default:
			return false
		}
	})
}

// signalsEachKindOfCommit takes a new channel for each, so that no earlier
// signal is taken for the one that is wanted.
func signalsEachKindOfCommit(t *trial) {
	s, other := t.open(), t.open()
	for _, commit := range []struct {
		name string
		run  func(storage.Store)
	}{
		{"create", func(s storage.Store) { t.put(s, pairs{"a/1": "1"}) }},
		{"replace", func(s storage.Store) { t.put(s, pairs{"a/1": "2"}) }},
		{"replace by the same", func(s storage.Store) { t.put(s, pairs{"a/1": "2"}) }},
		{"delete", func(s storage.Store) { t.remove(s, "a/1") }},
		{"last of many", func(s storage.Store) { t.put(s, pairs{"0": "", "9": "", "A/1": "", "a/1": ""}) }},
		{"delete among puts", func(s storage.Store) {
			t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "0"}}, Deletes: []string{"9", "a/1"}})
		}},
	} {
		for _, writer := range []storage.Store{s, other} {
			t.put(s, pairs{"a/1": "0"})
			signals := t.changes(s, "a/")
			commit.run(writer)
			if !t.signalled(signals) {
				t.Fatalf("that was: %s, by the same Store: %v", commit.name, writer == s)
			}
		}
	}
}

func signalsUnderAnyOfItsPrefixes(t *trial) {
	s, other := t.open(), t.open()
	for _, watch := range []struct {
		prefixes []string
		key      string
	}{
		{nil, "a"}, {[]string{}, "~"}, {[]string{""}, "a"}, {[]string{"b", ""}, "a"},
		{[]string{"a"}, "a"}, {[]string{"a"}, "ab"}, {[]string{"a/"}, "a/b/c"},
		{[]string{"a/", "b/"}, "b/1"}, {[]string{"b/", "a/"}, "b/1"}, {[]string{"z", "y", "x", "a/b"}, "a/b"},
		{[]string{"a/", "a/b/"}, "a/b/c"}, {[]string{"a/", "a/"}, "a/b"},
		{[]string{"~"}, "~"}, {[]string{"~"}, "~~"}, {[]string{"a~"}, "a~~"},
		{[]string{"%"}, "%a"}, {[]string{"a_"}, "a_b"}, {[]string{"*"}, "*"}, {[]string{"[a]"}, "[a]b"},
		{[]string{`\`}, `\a`}, {[]string{"'"}, "'a"}, {[]string{"?"}, "?"}, {[]string{"A"}, "A/b"},
	} {
		signals := t.changes(s, watch.prefixes...)
		t.put(other, pairs{watch.key: ""})
		if !t.signalled(signals) {
			t.Fatalf("that was: Changes(%q), commit of %q", watch.prefixes, watch.key)
		}
	}
}

// signalsTheFirstCommitAfterIt fails if a driver begins to look only after
// Changes has returned.
func signalsTheFirstCommitAfterIt(t *trial) {
	s, other := t.open(), t.open()
	for i := range t.rounds(20) {
		signals := t.changes(s, "a/")
		t.commit(other, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a/1"}}})
		if !t.signalled(signals) {
			t.Fatalf("that was: round %d", i)
		}
	}
}

// signalsOnceACommitIsSeen reads when it is signalled and at no other time.
func signalsOnceACommitIsSeen(t *trial) {
	s, other := t.open(), t.open()
	signals := t.changes(s, "a/")
	for i := range t.rounds(30) {
		value := strconv.Itoa(i)
		committed := make(chan error, 1)
		go func() { committed <- other.Commit(t.Context(), guarded("never-there", 0, "a/1", value)) }()
		seen := t.follow(signals, func() bool {
			found := t.get(s, "a/1")
			return len(found) == 1 && string(found[0].Value) == value
		})
		if err := <-committed; err != nil {
			t.Errorf("Commit: %v", err)
		}
		if !seen {
			t.Fatalf("the signals of round %d ended before a Get saw its commit", i)
		}
	}
}

// follow looks after each signal until there is what was waited for.
func (t *trial) follow(signals <-chan struct{}, seen func() bool) bool {
	t.Helper()
	for t.signalled(signals) {
		if seen() {
			return true
		}
	}
	return false
}

func signalsEveryReader(t *trial) {
	s, other := t.open(), t.open()
	var readers []<-chan struct{}
	for range 5 {
		readers = append(readers, t.changes(s, "a/"), t.changes(s), t.changes(other, "a/"))
	}
	t.put(other, pairs{"a/1": "1"})
	for i, signals := range readers {
		if !t.signalled(signals) {
			t.Fatalf("that was: reader %d of %d", i, len(readers))
		}
	}
}

func copiesItsPrefixes(t *trial) {
	s := t.open()
	prefixes := []string{"x/", "a/"}
	signals := t.changes(s, prefixes...)
	prefixes[0], prefixes[1] = "y/", "z/"
	t.put(s, pairs{"a/1": "1"})
	t.signalled(signals)
}

// isCoalesced never reads while others commit: no commit waits for it, and it
// finds one signal for all of them.
func isCoalesced(t *trial) {
	s := t.open()
	signals := t.changes(s, "a/")
	if cap(signals) != 1 {
		t.Errorf("the channel holds %d signals, want 1", cap(signals))
	}
	committed := make(chan error, 1)
	commits := t.rounds(50)
	go func() {
		var err error
		for i := 0; i < commits && err == nil; i++ {
			err = s.Commit(t.Context(), guarded("never-there", 0, "a/1", strconv.Itoa(i)))
		}
		committed <- err
	}()
	select {
	case err := <-committed:
		if err != nil {
			t.Errorf("Commit: %v", err)
		}
	case <-time.After(t.patience):
		t.Fatalf("%d commits did not end within %v while nobody read the signals", commits, t.patience)
	}
	t.signalled(signals)
	t.quiet(signals)
}

func isQuietWithoutCommits(t *trial) {
	s, other := t.open(), t.open()
	every, some := t.changes(s), t.changes(s, "a/")
	t.quiet(every, some)
	for i := range 5 {
		t.put(other, pairs{"a/1": strconv.Itoa(i), "b/1": strconv.Itoa(i)})
	}
	t.signalled(every)
	t.signalled(some)
	t.quiet(every, some)
}

// quiet allows for a signal that comes late and one that comes without a
// change, and not for a stream of them.
func (t *trial) quiet(channels ...<-chan struct{}) {
	t.Helper()
	const allowed = 2
	counts := make([]int, len(channels))
	for end := time.Now().Add(min(time.Second, t.patience)); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for i, signals := range channels {
			select {
			case <-signals:
				counts[i]++
			default:
			}
		}
	}
	if most := slices.Max(counts); most > allowed {
		t.Errorf("%d signals although nothing was committed, at most %d could be explained", most, allowed)
	}
}

func endsWithItsContext(t *trial) {
	s := t.open()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ending []<-chan struct{}
	for _, prefix := range []string{"idle/", "a/"} {
		signals, err := s.Changes(ctx, prefix)
		if err != nil {
			t.Fatalf("Changes: %v", err)
		}
		ending = append(ending, signals)
	}
	kept := t.changes(s, "a/")
	t.put(s, pairs{"a/1": "1"}) // one of them ends with a signal that nobody took
	t.signalled(kept)
	cancel()
	for _, signals := range ending {
		t.closed(signals)
	}
	fresh := t.changes(s, "a/")
	t.put(s, pairs{"a/1": "2"})
	t.signalled(fresh)
	t.signalled(kept)
}

// endsBesideCommits ends channels at the moment when they are signalled.
func endsBesideCommits(t *trial) {
	s := t.open()
	stop := t.load()
	for i := range t.rounds(50) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
		signals, err := s.Changes(ctx)
		if err == nil {
			t.closed(signals)
		} else if ctx.Err() == nil {
			t.Errorf("Changes: %v", err)
		}
		cancel()
		if t.Failed() {
			break
		}
	}
	stop()
}

// leavesNoGoroutine looks while the Store is open; after Close every case
// looks.
func leavesNoGoroutine(t *trial) {
	s := t.open()
	t.put(s, pairs{"a/1": "1"})
	before, _ := t.goroutines()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 20 {
		signals, err := s.Changes(ctx, fmt.Sprintf("a/%d", i))
		if err != nil {
			t.Fatalf("Changes: %v", err)
		}
		defer t.closed(signals)
	}
	t.put(s, pairs{"a/1": "2"})
	cancel()
	t.eventually("the goroutines of Changes have ended", func() bool {
		after, _ := t.goroutines()
		return after <= before
	})
}
