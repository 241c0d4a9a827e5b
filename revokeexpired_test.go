package secrets_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// When tokens of these tests expire: later than any test is run, and no clock
// has to be moved.
var year2100 = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// newExpiring returns a fixture with two tokens that expire at year2100, one that
// does a millisecond later and one that does not.
func newExpiring(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.tokens = []secrets.Token{
		f.tokenUntil(t, year2100), f.tokenUntil(t, year2100), f.tokenUntil(t, year2100.Add(time.Millisecond)), f.token(t),
	}
	return f
}

// wantExpiredGone fails the test unless the first two tokens, and nobody else,
// have lost what is stored from now on, with all that they ever held.
func (f *fixture) wantExpiredGone(t *testing.T, thief *thief, before []storage.Entry) {
	t.Helper()
	for _, token := range f.tokens[:2] {
		wantError(t, failure(secrets.Connect(t.Context(), f.store, token)), secrets.ErrUnauthenticated)
	}
	if left := f.listed(t); len(left) != 2 || len(entries(t, f.store, "org/acme/token/")) != 2 {
		t.Errorf("listed: %v", left)
	}
	set(t, f.org, "a", "after")
	for _, token := range f.tokens[2:] {
		want(t, lookup(t.Context(), f.connect(t, token), "A"), "after")
	}
	for _, row := range append(filter(before, thief.rowKey("a")), stored(t, f.store, thief.rowKey("a"))) {
		if value, ok := thief.reads(t, f.store, "a", row.Value); ok {
			t.Errorf("with the key of before the thief reads %q", value)
		}
	}
}

func TestTokensThatHaveExpiredGoWithOneReplacementOfTheKey(t *testing.T) {
	t.Parallel()
	f := newExpiring(t)
	thief, before := steal(t, f.store, f.tokens[0]), entries(t, f.store, "")
	serial := thief.record.KeySerial
	if got, ok := thief.reads(t, f.store, "a", stored(t, f.store, thief.rowKey("a")).Value); !ok || got != "one" {
		t.Errorf("at first the thief reads %q", got)
	}
	// They open, widen, flip, narrow and close.
	if n, commits := f.revokeExpired(t); n != 2 || commits != 5 {
		t.Errorf("%d revoked with %d commits", n, commits)
	}
	f.wantExpiredGone(t, thief, before)
	if now := steal(t, f.store, f.tokens[3]).record.KeySerial; now != serial+1 {
		t.Errorf("the key was number %d, and is %d", serial, now)
	}
}

func TestWhereNoTokenHasExpiredNothingIsWritten(t *testing.T) {
	t.Parallel()
	f := newExpiring(t)
	before := entries(t, f.store, "")
	if n, err := f.api.RevokeExpired(t.Context(), year2100.Add(-time.Millisecond)); n != 0 || err != nil {
		t.Errorf("%d revoked, %v", n, err)
	}
	if diff := cmp.Diff(before, entries(t, f.store, "")); diff != "" {
		t.Errorf("the store has changed (-before +after):\n%s", diff)
	}
}

func TestARevocationThatStoppedIsFinishedWithThatOfExpiredTokens(t *testing.T) {
	t.Parallel()
	for commits := 1; commits <= 3; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		f.tokens = []secrets.Token{f.token(t), f.tokenUntil(t, year2100), f.token(t), f.token(t)}
		thief, before := steal(t, f.store, f.tokens[0]), entries(t, f.store, "")
		p := f.elsewhere(t, crashing(f.store, commits))
		wantError(t, p.api.RevokeToken(t.Context(), f.tokens[0].ID()), secrets.ErrUnknownOutcome)
		if n, err := f.api.RevokeExpired(t.Context(), year2100); n != 1 || err != nil {
			t.Errorf("%d revoked, %v", n, err)
		}
		f.wantExpiredGone(t, thief, before)
		logIfFailed(t, "stopped after %d commits", commits)
	}
}

func TestARevocationThatStoppedIsFinishedThoughNoTokenHasExpired(t *testing.T) {
	t.Parallel()
	for commits := 1; commits <= 3; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		token, other := f.token(t), f.token(t)
		p := f.elsewhere(t, crashing(f.store, commits))
		wantError(t, p.api.RevokeToken(t.Context(), token.ID()), secrets.ErrUnknownOutcome)
		if n, err := f.api.RevokeExpired(t.Context(), year2100); n != 0 || err != nil {
			t.Errorf("%d revoked, %v", n, err)
		}
		wantError(t, failure(secrets.Connect(t.Context(), f.store, token)), secrets.ErrUnauthenticated)
		want(t, lookup(t.Context(), f.connect(t, other), "A"), "one")
		if n, commits := f.revokeExpired(t); n != 0 || commits != 0 {
			t.Errorf("there was more to do: %d tokens, %d commits", n, commits)
		}
	}
}

// revokeExpired revokes expired tokens, and counts them and the commits.
func (f *fixture) revokeExpired(t *testing.T) (n, commits int) {
	t.Helper()
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.commit = func(ctx context.Context, b storage.Batch) error { commits++; return f.store.Commit(ctx, b) }
	n, err := p.api.RevokeExpired(t.Context(), year2100)
	if err != nil {
		t.Error(err)
	}
	return n, commits
}

func TestATokenThatDoesNotOpenIsNoExpiredOne(t *testing.T) {
	t.Parallel()
	f := newExpiring(t)
	damage(t, f.store, "org/acme/token/api/"+f.tokens[0].ID())
	if n, err := f.api.RevokeExpired(t.Context(), year2100.Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d revoked, %v", n, err)
	}
	wantError(t, failure(f.api.Tokens(t.Context())), secrets.ErrTampered)
	// It goes with others that have expired, as with any replacement of the key.
	if n, err := f.api.RevokeExpired(t.Context(), year2100); n != 1 || err != nil {
		t.Errorf("%d revoked, %v", n, err)
	}
	if left := f.listed(t); len(left) != 2 {
		t.Errorf("listed: %v", left)
	}
}

// Whoever has the token that is about to expire can damage its record, and an app
// does not see it.
func TestSweepReportsATokenOfWhichItCannotSayWhetherItHasExpired(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.token(t)
	damageTag(t, f.store, "org/acme/token/api/"+token.ID())
	report, err := f.client.Sweep(t.Context())
	wantError(t, err, secrets.ErrTampered)
	if report != (secrets.SweepReport{}) || err != nil && !strings.Contains(err.Error(), "acme/service/api") {
		t.Errorf("%+v, %v", report, err)
	}
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Error(err)
	}
	if report := sweep(t, f.client); report != (secrets.SweepReport{}) {
		t.Errorf("%+v", report)
	}
}

func TestExpiredTokensOfAServiceThatIsGoneAreNotFound(t *testing.T) {
	t.Parallel()
	f := newExpiring(t)
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	wantError(t, failure(f.api.RevokeExpired(t.Context(), year2100)), secrets.ErrNotFound)
}
