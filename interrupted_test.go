package secrets_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// repeat does an operation again in another process, where it may find that it
// was done.
func (f *fixture) repeat(t *testing.T, op operation) {
	t.Helper()
	client := f.open(t, f.store)
	org, err := client.Organization(t.Context(), "acme")
	if err != nil && op.name != "delete organization" {
		t.Fatal(err)
	}
	if err := op.do(t.Context(), t, f, org, client); err != nil && (op.already == nil || !errors.Is(err, op.already)) {
		t.Errorf("repeated: %v", err)
	}
}

func TestATokenThatNeverWasIsNotFoundBesideARevocationThatStopped(t *testing.T) {
	t.Parallel()
	for commits := 1; commits <= 4; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		one, two := f.token(t), f.token(t)
		p := f.elsewhere(t, crashing(f.store, commits))
		wantError(t, p.api.RevokeToken(t.Context(), one.ID()), secrets.ErrUnavailable)
		wantError(t, f.api.RevokeToken(t.Context(), strings.Repeat("ab", 16)), secrets.ErrNotFound)
		if err := f.api.RevokeToken(t.Context(), one.ID()); err != nil && !errors.Is(err, secrets.ErrNotFound) {
			t.Error(err)
		}
		want(t, lookup(t.Context(), f.connect(t, two), "A"), "one")
		logIfFailed(t, "stopped after %d commits", commits)
	}
}

func TestARevocationOfATokenThatStoppedIsConfirmedWhenRepeated(t *testing.T) {
	t.Parallel()
	for commits := 1; commits <= 3; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		token := f.token(t)
		p := f.elsewhere(t, crashing(f.store, commits))
		wantError(t, p.api.RevokeToken(t.Context(), token.ID()), secrets.ErrUnknownOutcome)
		if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
			t.Errorf("stopped after %d commits, repeated: %v", commits, err)
		}
	}
}

// An operator who sees that the token is not listed any more takes it for
// revoked.
func TestATokenThatIsNotListedAnyMoreReadsNothingNew(t *testing.T) {
	t.Parallel()
	seen := 0
	for commits := 1; commits <= 4; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		stolen := f.token(t)
		f.token(t)
		row := stored(t, f.store, "org/acme/token/api/"+stolen.ID())
		p := f.elsewhere(t, crashing(f.store, commits))
		_ = p.api.RevokeToken(t.Context(), stolen.ID())
		tokens, err := f.api.Tokens(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(tokens) == 2 {
			continue
		}
		seen++
		made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
		restore(t, f.store, []storage.Entry{row}) // where the thief reads
		if got := readWith(t, f.store, stolen); len(got) > 0 {
			t.Errorf("stopped after %d commits: it reads %q", commits, got)
		}
	}
	if seen < 2 {
		t.Errorf("the token was missing %d times", seen)
	}
}

func TestAnErrorAfterSomethingWasDoneSaysThatTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if op.prepare != nil {
				op.prepare(t, f)
			}
			commits := 0
			for more := true; more && commits < maxCalls; commits++ {
				synctest.Test(t, func(t *testing.T) { more = stopAfter(t, f.clone(t), op, commits) })
			}
			if commits < 2 || commits == maxCalls {
				t.Errorf("%d commits", commits)
			}
		})
	}
}

// stopAfter does an operation over a store that is gone after so many commits.
// It returns false once the operation makes no more than those.
func stopAfter(t *testing.T, f *fixture, op operation, commits int) bool {
	t.Helper()
	defer logIfFailed(t, "stopped after %d commits", commits)
	store := crashing(f.store, commits)
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	before := entries(t, f.store, "")
	err := op.do(t.Context(), t, f, org, client)
	if err == nil {
		f.verify(t, op)
		return false
	}
	if !errors.Is(err, secrets.ErrUnavailable) {
		t.Errorf("not the error of the store: %v", err)
	}
	op.wantHonest(t, err, before, entries(t, f.store, ""))
	return !t.Failed()
}

// wantHonest fails the test if an operation has written something, and its error
// does not say that it may have. What a staged rewrite prepares is nothing yet:
// nobody sees it.
func (op operation) wantHonest(t *testing.T, err error, before, after []storage.Entry) {
	t.Helper()
	staged := strings.HasPrefix(op.name, "staged") || op.name == "sweep"
	if err != nil && !errors.Is(err, secrets.ErrUnknownOutcome) && !staged && !cmp.Equal(before, after) {
		t.Errorf("something was written, and the error is %v", err)
	}
}
