package secrets

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// errAgain ends an attempt that has written nothing of its own, errMore one that
// has: if the operation fails after that, it is half done.
var (
	errAgain = &attemptError{err: ErrConflict}
	errMore  = &attemptError{err: ErrUnknownOutcome}
)

// attemptError is a commit that did not go through as planned: the operation
// reads again and repeats.
type attemptError struct{ err error }

func (e *attemptError) Error() string { return e.err.Error() }
func (e *attemptError) Unwrap() error { return e.err }

// commit marks what is worth another attempt. It returns the version of what was
// written, if the store says.
func commit(ctx context.Context, store storage.Store, b storage.Batch) (uint64, error) {
	version, err := storage.Commit(ctx, store, b)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrUnknownOutcome) {
		return 0, &attemptError{err: err}
	}
	return version, err
}

// An operation that loses every race of so many gives up. With the pauses in
// between it takes seconds.
const maxAttempts = 100

// retry runs attempts until one ends with a result of its own. Each attempt
// reads what there is, ends if the operation's work is done, and otherwise
// commits on the condition that its record is as it was read.
//
// That settles an unknown outcome too. The lost batch and the next attempt's
// have the same record among their checks: if the next attempt goes through,
// the lost one never can; if it conflicts, the attempt after it reads what has
// happened. Only if the store does not answer any more is the outcome reported
// as unknown, also that of an operation that has done a part of its work.
func retry(ctx context.Context, attempt func() error) error {
	lost := false
	for n := 0; ; n++ {
		err := attempt()
		var again *attemptError
		if !errors.As(err, &again) {
			return unsettled(lost, err)
		}
		lost = lost || errors.Is(err, ErrUnknownOutcome)
		if n == maxAttempts {
			return gaveUp(lost, again.err)
		}
		if err == errMore {
			continue
		}
		if err := pause(ctx, time.Millisecond<<min(n, 6)); err != nil {
			return unsettled(lost, err)
		}
	}
}

// gaveUp returns the last error, which has the reason, unless an earlier one says
// more about the outcome.
func gaveUp(lost bool, last error) error {
	if lost && !errors.Is(last, ErrUnknownOutcome) {
		return ErrUnknownOutcome
	}
	return last
}

// unsettled adds to an error that the outcome is unknown, if something may have
// been written and the error does not say what became of it.
func unsettled(begun bool, err error) error {
	if !begun || isSettled(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// isSettled reports whether an error is about what was read after the outcome
// had been lost, and so says what became of it.
func isSettled(err error) bool {
	if err == nil {
		return true
	}
	for _, settled := range []error{ErrNotFound, ErrExists, ErrConflict, ErrInUse, ErrInvalidEnv, ErrUnknownOutcome} {
		if errors.Is(err, settled) {
			return true
		}
	}
	return false
}

// pause waits between a half and all of d.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
