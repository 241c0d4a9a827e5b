package secrets_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoUpdatesASecretAgainReadsTheGranteesServicesWithIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	update := func(value string, reads int64) {
		t.Helper()
		store.reads.Store(0)
		made(t)(org.UpdateSecret(t.Context(), "a", text(value), nil))
		if got := store.reads.Load(); got != reads {
			t.Errorf("%s: %d reads, want %d", value, got, reads)
		}
		want(t, lookup(t.Context(), f.clone(t).api, "A"), value)
	}
	update("the grantees are not known", 2)
	update("as they were", 1)

	web := getService(t)(f.org.CreateService(t.Context(), "web"))
	if _, err := web.Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	update("one more", 2)
	want(t, lookup(t.Context(), web, "A"), "one more")
	update("as they were then", 1)

	if err := web.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	update("one less", 1)
	want(t, lookup(t.Context(), web, "A"), "absent")

	token := f.token(t)
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Fatal(err)
	}
	update("with another key", 1)
}

// A version that somebody with the database has set back is not met for ever.
func TestACreationIsExpectedToMeetTheOrganizationOnlyIfItWasReadLately(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: f.clone(t).store}
		org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
		store.reads.Store(0)
		made(t)(org.CreateSecret(t.Context(), "a", text("one")))
		time.Sleep(9 * time.Second)
		made(t)(org.CreateSecret(t.Context(), "b", text("one")))
		if got := store.reads.Load(); got != 0 {
			t.Errorf("%d reads, want none", got)
		}
		time.Sleep(2 * time.Second)
		made(t)(org.CreateSecret(t.Context(), "c", text("one")))
		if got := store.reads.Load(); got != 1 {
			t.Errorf("%d reads, want 1", got)
		}
	})
}
