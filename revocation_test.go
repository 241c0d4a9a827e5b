package secrets_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// What another service, or another administrator, is in stops no revocation.

func TestARevocationIsNotStoppedByAnotherGrantee(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*testing.T, *fixture){
		"whose record is damaged": func(t *testing.T, f *fixture) { damage(t, f.store, "org/acme/service/web") },
		"whose row was hidden from its deletion": func(t *testing.T, f *fixture) {
			remove(t, f.store, "org/acme/env/web/a")
			if err := f.org.DeleteService(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f, token, _ := newGranted(t)
			session := f.connect(t, token)
			spoil(t, f)
			if err := f.api.Revoke(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			want(t, lookup(t.Context(), f.api, "A"), "absent")
			want(t, lookup(t.Context(), session, "A"), "absent")
		})
	}
}

func TestARevocationOfATokenThatAnotherFinishedSucceeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token, other := f.token(t), f.token(t)
	sessions := []*secrets.Session{f.connect(t, token), f.connect(t, other)}
	store := &hooked{Store: f.store}
	p, rival := f.elsewhere(t, store), f.elsewhere(t, f.store)
	store.afterFirst(func() {
		if err := rival.api.RevokeToken(t.Context(), other.ID()); err != nil {
			t.Error(err)
		}
	})
	if err := p.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Error(err)
	}
	for _, session := range sessions {
		want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	}
}

func TestARevocationOfNothingDropsAClaimThatWasLeftBehind(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, newMemory(t))
	crowded(t, f)
	p := f.elsewhere(t, crashing(f.store, 2))
	wantError(t, failure(p.org.UpdateSecret(t.Context(), "a", text("two"), nil)), secrets.ErrUnavailable)
	web := getService(t)(f.org.CreateService(t.Context(), "web"))
	synctest.Test(t, func(t *testing.T) {
		for _, patience := range []time.Duration{3 * time.Second, 0} { // the claim is waited for once
			begin := time.Now()
			if err := web.Revoke(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("it took %v", took)
			}
		}
	})
}
