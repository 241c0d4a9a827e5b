package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func closeCases() []testCase {
	return []testCase{
		{"CloseIsAnsweredWithErrClosed", closeIsAnsweredWithErrClosed},
		{"CloseMayBeRepeated", closeMayBeRepeated},
		{"CloseEndsChanges", closeEndsChanges},
		{"CloseEndsCallsUnderWay", closeEndsCallsUnderWay},
		{"CloseLeavesNoGoroutine", closeLeavesNoGoroutine},
	}
}

func closeIsAnsweredWithErrClosed(t *trial) {
	s, other := t.open(), t.open()
	t.put(s, pairs{"a": "1"})
	t.close(s)
	for range 2 {
		for _, call := range calls() {
			if err := call.run(t.Context(), s); !errors.Is(err, storage.ErrClosed) {
				t.Errorf("%s after Close: got %v, want ErrClosed", call.name, err)
			}
		}
	}
	t.expect(other, pairs{"a": "1"})
}

func closeMayBeRepeated(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1"})
	t.close(s)
	t.close(s)

	used, unused := t.open(), t.open()
	t.get(used, "a")
	for _, s := range []storage.Store{used, unused} {
		t.succeeded("Close at the same time as others", together(s.Close, s.Close, s.Close, s.Close))
		t.close(s)
	}
}

func closeEndsChanges(t *trial) {
	s, other := t.open(), t.open()
	idle, pending := t.changes(s, "idle/"), t.changes(s, "a/")
	kept := t.changes(other, "a/")
	t.put(s, pairs{"a/1": "1"})
	t.signalled(kept)
	t.close(s)
	t.closed(idle)
	t.closed(pending)

	fresh := t.changes(other, "a/")
	t.put(other, pairs{"a/2": "2"})
	t.signalled(fresh)
	t.signalled(kept)
}

// closeEndsCallsUnderWay closes a Store that others are using. What their
// commits reported is compared with what is stored.
func closeEndsCallsUnderWay(t *trial) {
	keeper := t.open()
	ctx, cancel := t.deadline()
	defer cancel()
	for round := range t.rounds(10) {
		reported := t.closeWhileUsed(ctx, fmt.Sprint(round))
		there := t.content(keeper)
		for key, err := range reported {
			_, applied := there[key]
			if err == nil && !applied || errors.Is(err, storage.ErrClosed) && applied {
				t.Errorf("%q: Commit beside Close returned %v; applied: %v", key, err, applied)
			}
		}
	}
}

// closeWhileUsed returns what each commit reported, by its key.
func (t *trial) closeWhileUsed(ctx context.Context, prefix string) map[string]error {
	s := t.connect()
	reported := map[string]error{}
	uses := []func() error{
		func() error { _, err := s.Get(t.Context(), "a"); return err },
		func() error { _, err := s.List(t.Context(), "", "", 10); return err },
		func() error {
			key := fmt.Sprintf("%s/%d", prefix, len(reported))
			reported[key] = s.Commit(t.Context(), guarded(key, 0, key, ""))
			return reported[key]
		},
	}
	begun := make(chan struct{}, len(uses))
	actors := []func() error{func() error {
		for range uses {
			<-begun
		}
		return s.Close()
	}}
	for _, use := range uses {
		actors = append(actors, func() error { return untilClosed(ctx, begun, use) })
	}
	t.succeeded("beside Close", together(actors...))
	return reported
}

// untilClosed repeats a call until it is answered with ErrClosed. An unknown
// outcome may come before it, since a commit may be cut off.
func untilClosed(ctx context.Context, begun chan<- struct{}, run func() error) error {
	for i := 0; ; i++ {
		err := run()
		if i == 0 {
			begun <- struct{}{}
		}
		switch {
		case errors.Is(err, storage.ErrClosed):
			return nil
		case errors.Is(err, storage.ErrUnknownOutcome), err == nil:
		default:
			return err
		}
		if ctx.Err() != nil {
			return errors.New("no ErrClosed in all this time")
		}
	}
}

// closeLeavesNoGoroutine looks while the contexts have not ended: whoever
// waits for one of them only is still there.
func closeLeavesNoGoroutine(t *trial) {
	before, _ := t.goroutines()
	s := t.open()
	t.put(s, pairs{"a/1": "1"})
	idle, pending := t.changes(s, "idle/"), t.changes(s, "a/")
	t.put(s, pairs{"a/1": "2"})
	t.close(s)
	t.closed(idle)
	t.closed(pending)
	t.eventually("the goroutines of the Store have ended", func() bool {
		after, _ := t.goroutines()
		return after <= before
	})
}
