package secrets_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// tokenFor issues a token that is valid for d.
func (f *fixture) tokenFor(t testing.TB, d time.Duration) secrets.Token {
	t.Helper()
	return f.tokenUntil(t, time.Now().Add(d))
}

func (f *fixture) tokenUntil(t testing.TB, expires time.Time) secrets.Token {
	t.Helper()
	token, err := f.api.IssueTokenUntil(t.Context(), expires)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sweepToken(t, f.store, token) })
	return token
}

// listed returns what Tokens does.
func (f *fixture) listed(t testing.TB) []secrets.TokenInfo {
	t.Helper()
	tokens, err := f.api.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestATokenIsGoodUntilItExpiresAndNoMillisecondLonger(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		token, other := c.tokenFor(t, time.Hour), c.token(t)
		session, lasting := c.connect(t, token), c.connect(t, other)
		want(t, lookup(t.Context(), session, "A"), "one")
		time.Sleep(time.Hour - time.Millisecond)
		want(t, lookup(t.Context(), session, "A"), "one")
		want(t, lookup(t.Context(), c.connect(t, token), "A"), "one")
		time.Sleep(time.Millisecond)
		want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
		err := failure(secrets.Connect(t.Context(), c.store, token))
		wantError(t, err, secrets.ErrUnauthenticated)
		if said := fmt.Sprint(err); !strings.HasSuffix(said, "the token has expired, at "+time.Now().UTC().Format(time.RFC3339)) {
			t.Errorf("%s: it does not say that it was now", said)
		}
		want(t, lookup(t.Context(), lasting, "A"), "one")
	})
}

// It is known without the store, and no store can talk the session out of it.
func TestASessionWhoseTokenExpiredAsksNoStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		store := &switchable{Store: c.store}
		session := connectOver(t, store, c.tokenFor(t, time.Hour))
		time.Sleep(time.Hour)
		calls := store.calls.Load()
		for _, off := range []bool{false, true} {
			store.off.Store(off)
			want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
		}
		if n := store.calls.Load() - calls; n > 0 {
			t.Errorf("%d calls of the store", n)
		}
	})
}

func TestATokenThatExpiresWhileTheStoreAnswersIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		store := &hooked{Store: c.store}
		session := connectOver(t, store, c.tokenFor(t, time.Minute))
		store.before = func(...string) error { time.Sleep(time.Minute); return nil }
		want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	})
}

func TestTokensAreListedWithTheirExpiryUntilTheyAreRevoked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		issued := time.Now().UTC().Truncate(time.Millisecond)
		expires := issued.Add(time.Hour + 234567*time.Nanosecond)
		lasting := c.token(t)
		time.Sleep(time.Second)
		token := c.tokenUntil(t, expires)
		expected := []secrets.TokenInfo{
			{ID: lasting.ID(), CreatedAt: issued},
			{ID: token.ID(), CreatedAt: issued.Add(time.Second), ExpiresAt: expires.Truncate(time.Millisecond)},
		}
		wantTokens := func() {
			t.Helper()
			if diff := cmp.Diff(expected, c.listed(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		wantTokens()
		time.Sleep(2 * time.Hour)
		wantTokens()
		if err := c.api.RevokeToken(t.Context(), token.ID()); err != nil {
			t.Fatal(err)
		}
		expected = expected[:1]
		wantTokens()
	})
}

func TestRevokingATokenKeepsTheExpiryOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		token := c.tokenFor(t, time.Hour)
		before, stolen := c.listed(t), c.token(t)
		session := c.connect(t, token)
		if err := c.api.RevokeToken(t.Context(), stolen.ID()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, c.listed(t)); diff != "" || before[0].ExpiresAt.IsZero() {
			t.Errorf("(-before +after):\n%s", diff)
		}
		want(t, lookup(t.Context(), session, "A"), "one")
		time.Sleep(time.Hour)
		want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
		wantError(t, failure(secrets.Connect(t.Context(), c.store, token)), secrets.ErrUnauthenticated)
	})
}

// TestExpiriesThatAreNotToComeAreRefused is not parallel: it captures what is
// printed.
func TestExpiriesThatAreNotToComeAreRefused(t *testing.T) {
	f := newFixture(t)
	now := time.Date(2026, 11, 23, 9, 0, 0, 500_300, time.UTC)
	for what, test := range map[string]struct{ now, expires time.Time }{
		"zero":                      {now, time.Time{}},
		"past":                      {now, now.Add(-time.Hour)},
		"now":                       {now, now},
		"now, in another zone":      {now, now.In(time.FixedZone("", 3600))},
		"less than a millisecond":   {now, now.Add(300 * time.Nanosecond)},
		"after the year 9999":       {now, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"beyond what 64 bits hold":  {now, time.Unix(1<<60, 0)},
		"what a record calls never": {time.Unix(-1, 0), time.Unix(0, 0)},
		"before 1970":               {time.Unix(-10, 0), time.Unix(-1, 0)},
	} {
		t.Run(what, func(t *testing.T) {
			api := f.serviceAt(t, test.now)
			issue := tokenCalls(api, "")[0]
			issue.do = func(ctx context.Context) error { return failure(api.IssueTokenUntil(ctx, test.expires)) }
			wantRefused(t, f, secrets.ErrInvalidExpiry, []call{issue})
		})
	}
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
	for _, expires := range []time.Time{now.Add(time.Millisecond), last} {
		if err := failure(f.serviceAt(t, now).IssueTokenUntil(t.Context(), expires)); err != nil {
			t.Errorf("%v: %v", expires, err)
		}
	}
	listed := f.listed(t)
	if n := len(listed); n != 2 || !listed[0].ExpiresAt.Equal(last) && !listed[1].ExpiresAt.Equal(last) {
		t.Errorf("listed: %v", listed)
	}
}

// serviceAt returns the service of a client with a clock that stands still.
func (f *fixture) serviceAt(t *testing.T, now time.Time) *secrets.Service {
	t.Helper()
	client, err := secrets.Open(f.store, f.root, &secrets.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	org := get(t)(client.Organization(t.Context(), "acme"))
	return getService(t)(org.Service(t.Context(), "api"))
}

func TestTokensThatHaveExpiredCountUntilTheyAreRevoked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	synctest.Test(t, func(t *testing.T) {
		c := f.clone(t)
		for range 64 {
			c.tokenFor(t, time.Hour)
		}
		time.Sleep(time.Hour)
		err := failure(c.api.IssueToken(t.Context()))
		wantError(t, err, secrets.ErrLimit)
		if said := fmt.Sprint(err); !strings.Contains(said, "expired ones count until they are revoked") {
			t.Errorf("%s: it does not say what to do", said)
		}
		if n, err := c.api.RevokeExpired(t.Context(), time.Now()); n != 64 || err != nil {
			t.Errorf("%d revoked, %v", n, err)
		}
		want(t, lookup(t.Context(), c.connect(t, c.token(t)), "A"), "one")
	})
}

// Somebody who writes to the database, but has no token.
func TestAnExpiryThatIsEditedIsTampering(t *testing.T) {
	t.Parallel()
	far := uint64(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	for what, edit := range map[string]func(r *stolenToken, other stolenToken){
		"later":               func(r *stolenToken, _ stolenToken) { r.Expires = far },
		"a millisecond later": func(r *stolenToken, _ stolenToken) { r.Expires++ },
		"earlier":             func(r *stolenToken, _ stolenToken) { r.Expires = 1 },
		"removed":             func(r *stolenToken, _ stolenToken) { r.Expires = 0 },
		"another token's":     func(r *stolenToken, other stolenToken) { r.Expires = other.Expires },
		"with its wrap":       func(r *stolenToken, other stolenToken) { r.Expires, r.Wrap = other.Expires, other.Wrap },
		"its whole record":    func(r *stolenToken, other stolenToken) { *r = other },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			token, lasting := f.tokenFor(t, time.Hour), f.token(t)
			session := f.connect(t, token)
			key := "org/acme/token/api/" + token.ID()
			record := parse[stolenToken](t, f.store, key)
			edit(&record, parse[stolenToken](t, f.store, "org/acme/token/api/"+lasting.ID()))
			restore(t, f.store, []storage.Entry{{Key: key, Value: untagged(t, record)}})
			wantError(t, failure(secrets.Connect(t.Context(), f.store, token)), secrets.ErrTampered)
			want(t, lookup(t.Context(), session, "A"), secrets.ErrTampered.Error())
			wantError(t, failure(f.api.Tokens(t.Context())), secrets.ErrTampered)
		})
	}
}

// The holder of a token knows what it opens, and can wrap that for himself as he
// likes. The administrator believes none of it, and RevokeToken ends it.
func TestAnExpiryThatTheTokensHolderMovesEndsWithItsRevocation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token, other := f.tokenFor(t, time.Hour), f.token(t)
	th := steal(t, f.store, token)
	record := th.record
	record.Expires = 0
	var err error
	if record.Wrap, err = th.token.WrapServiceKey(th.key, th.tokenBinding(record)); err != nil {
		t.Fatal(err)
	}
	forged := storage.Entry{Key: th.tokenKey(), Value: untagged(t, record)}
	restore(t, f.store, []storage.Entry{forged})
	want(t, lookup(t.Context(), f.connect(t, token), "A"), "one")
	wantError(t, failure(f.api.Tokens(t.Context())), secrets.ErrTampered)
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Fatal(err)
	}
	set(t, f.org, "a", "after")
	restore(t, f.store, []storage.Entry{forged})
	want(t, lookup(t.Context(), f.connect(t, token), "A"), secrets.ErrTampered.Error())
	want(t, lookup(t.Context(), f.connect(t, other), "A"), "after")
}
