package sqlite_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// locked returns a Store that waits so long for a lock that another one holds
// until release.
func locked(t *testing.T, timeout time.Duration) (s *sqlite.Store, release func()) {
	t.Helper()
	path := newPath(t)
	holder := open(t, path, nil)
	mustPut(t, holder, "a", "1")
	let, err := holder.HoldWriteLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = func() {
		if err := let(); err != nil {
			t.Error(err)
		}
	}
	return open(t, path, &sqlite.Options{BusyTimeout: timeout}), release
}

func TestCommitWaitsForALockNoLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	s, release := locked(t, 50*time.Millisecond)
	begin := time.Now()
	// Two calls: one waits for the file, the other for the first.
	errs := make(chan error)
	for range 2 {
		go func() { errs <- put(t.Context(), s, "a", "2") }()
	}
	for range 2 {
		if err := <-errs; !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	}
	if took := time.Since(begin); took < 50*time.Millisecond || took > 4*time.Second {
		t.Errorf("gave up after %v", took)
	}
	expect(t, s, map[string]string{"a": "1"}) // readers do not wait
	release()
	mustPut(t, s, "a", "2")
}

func TestCommitWaitsForALockNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	s, release := locked(t, time.Minute)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := put(ctx, s, "a", "2"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnknownOutcome) {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("gave up after %v", took)
	}
}

func TestCommitWaitsForALockNoLongerThanUntilClose(t *testing.T) {
	t.Parallel()
	s, release := locked(t, time.Minute)
	defer release()
	done := make(chan error, 1)
	go func() { done <- put(context.Background(), s, "a", "2") }()
	time.Sleep(20 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-done; !errors.Is(err, storage.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestLongReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	keys := make([]string, 2_000_000)
	for i := range keys {
		keys[i] = "k"
	}
	begin := time.Now()
	if _, err := s.Get(ctx, keys...); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("gave up after %v", took)
	}
	expect(t, s, map[string]string{})
}
