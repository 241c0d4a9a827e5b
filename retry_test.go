package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A store that is full says so each time.
func TestOperationThatGivesUpSaysWhatTheStoreSaid(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"unknown": storage.ErrUnknownOutcome, "conflict": storage.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			store := &hooked{Store: f.store}
			org := f.elsewhere(t, store).org
			store.commit = func(context.Context, storage.Batch) error { return fmt.Errorf("%w: no space", answer) }
			synctest.Test(t, func(t *testing.T) { // the pauses take no time
				_, err := org.CreateSecret(t.Context(), "a", secrets.Text("one"))
				if !errors.Is(err, answer) || !strings.Contains(err.Error(), "no space") {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// The first commit may have been applied, whatever is said of the others.
func TestOperationThatGivesUpAfterALostCommitDoesNotSayThatNothingWasWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	store, calls := &hooked{Store: f.store}, 0
	org := f.elsewhere(t, store).org
	store.commit = func(context.Context, storage.Batch) error {
		if calls++; calls == 1 {
			return storage.ErrUnknownOutcome
		}
		return storage.ErrConflict
	}
	synctest.Test(t, func(t *testing.T) { // the pauses take no time
		_, err := org.CreateSecret(t.Context(), "a", secrets.Text("one"))
		if !errors.Is(err, secrets.ErrUnknownOutcome) || errors.Is(err, secrets.ErrConflict) || calls < 2 {
			t.Errorf("after %d commits: %v", calls, err)
		}
	})
}
