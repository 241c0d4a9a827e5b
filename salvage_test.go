package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A deletion goes on with what opens where the rest was damaged. That may be an
// older state, and others may work on the same at the same time.

// withGrants are the options that delete also what is granted.
func withGrants() *secrets.DeleteOptions { return &secrets.DeleteOptions{Revoke: true} }

// anew returns a handle that remembers nothing.
func (f *fixture) anew(t testing.TB, store storage.Store) *secrets.Organization {
	t.Helper()
	return get(t)(f.open(t, store).Organization(t.Context(), "acme"))
}

// damageTag flips a bit of a record's tag: an app, which cannot verify it, reads
// on.
func damageTag(t testing.TB, store storage.Store, key string) {
	t.Helper()
	e := stored(t, store, key)
	e.Value = append([]byte(nil), e.Value...)
	e.Value[5] ^= 1
	restore(t, store, []storage.Entry{e})
}

func TestADeletionOfADamagedSecretIsNotDoneBeforeItHasAnEffect(t *testing.T) {
	t.Parallel()
	for what, refusal := range map[string]error{"conflict": storage.ErrConflict, "unknown outcome": storage.ErrUnknownOutcome} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			session := f.connect(t, f.token(t))
			damageTag(t, f.store, "org/acme/secret/a")
			want(t, lookup(t.Context(), session, "A"), "one")
			store := &hooked{Store: f.store}
			store.commit = func(context.Context, storage.Batch) error {
				store.commit = nil
				return refusal
			}
			if err := f.anew(t, store).DeleteSecret(t.Context(), "a", withGrants()); err != nil {
				t.Error(err)
			}
			want(t, lookup(t.Context(), session, "A"), "absent")
		})
	}
}

func TestADamagedSecretWithMoreGranteesThanABatchTakesIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	crowded(t, f)
	damage(t, f.store, "org/acme/secret/a")
	store := &counting{Store: f.store}
	org := f.anew(t, store)
	if err := org.DeleteSecret(t.Context(), "a", withGrants()); err != nil {
		t.Error(err)
	}
	if commits := store.commits.Load(); commits > 10 {
		t.Errorf("%d commits", commits)
	}
	made(t)(org.CreateSecret(t.Context(), "a", text("two")))
	want(t, lookup(t.Context(), f.api, "A"), "absent")
}

func TestCountersOfADamagedSecretDoNotGoBackWithItsAccessRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	old := stored(t, f.store, "org/acme/access/a")
	for i := range 20 {
		made(t)(f.org.UpdateSecret(t.Context(), "a", text(fmt.Sprint("v", i)), nil))
	}
	last := made(t)(f.org.Secret(t.Context(), "a"))
	session := f.connect(t, f.token(t))
	want(t, lookup(t.Context(), session, "A"), "v19")
	restore(t, f.store, []storage.Entry{old})
	damage(t, f.store, "org/acme/secret/a")
	org := f.anew(t, f.store)
	if err := org.DeleteSecret(t.Context(), "a", withGrants()); err != nil {
		t.Fatal(err)
	}
	if again := made(t)(org.SetSecret(t.Context(), "a", text("new"))); again.Version <= last.Version {
		t.Errorf("version %d after %d", again.Version, last.Version)
	}
	if _, err := getService(t)(org.Service(t.Context(), "api")).Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), "new")
}

func TestADeletionOfADamagedSecretLeavesTheVariableThatAnotherHasByNow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	old := stored(t, f.store, "org/acme/access/a")
	f.grant(t, "a", "OTHER")
	f.give(t, "b", "two")
	f.grant(t, "b", "A")
	restore(t, f.store, []storage.Entry{old})
	damage(t, f.store, "org/acme/secret/a")
	if err := f.org.DeleteSecret(t.Context(), "a", withGrants()); err != nil {
		t.Fatal(err)
	}
	f.give(t, "c", "three")
	_, err := f.api.Grant(t.Context(), "c", "A")
	wantEnv(t, err, "A", "b")
	want(t, lookup(t.Context(), f.connect(t, f.token(t)), "A"), "two")
}

func TestADeletionOfADamagedServiceLeavesItsSuccessor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	damage(t, f.store, "org/acme/service/api")
	store := &hooked{Store: f.store}
	org, rival := f.anew(t, store), f.anew(t, f.store)
	store.afterFirst(func() { // the service has no token any more; its grants are left
		if err := rival.DeleteService(t.Context(), "api"); err != nil {
			t.Error(err)
		}
		getService(t)(rival.CreateService(t.Context(), "api"))
	})
	if err := org.DeleteService(t.Context(), "api"); err != nil {
		t.Error(err)
	}
	getService(t)(rival.Service(t.Context(), "api"))
}

func TestTokensOfADamagedServiceEndAlsoIfItsGrantsDoNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "junk", "one")
	token := f.token(t)
	session := f.connect(t, token)
	for _, key := range []string{"service/api", "secret/junk", "access/junk"} {
		damageTag(t, f.store, "org/acme/"+key)
	}
	want(t, lookup(t.Context(), session, "JUNK"), "one")
	wantError(t, f.anew(t, f.store).DeleteService(t.Context(), "api"), secrets.ErrUnknownOutcome)
	want(t, lookup(t.Context(), session, "JUNK"), secrets.ErrUnauthenticated.Error())
	_, err := secrets.Connect(t.Context(), f.store, token)
	wantError(t, err, secrets.ErrUnauthenticated)
}

// Wherever the store goes away after the first commit, its tokens are gone and
// the error does not say that nothing was written.
func TestADeletionOfADamagedServiceThatStopsHasTakenItsTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	damageTag(t, f.store, "org/acme/service/api")
	for reads := 0; ; reads++ {
		store := &hooked{Store: copied(t, f.store)}
		org, left := f.anew(t, store), reads
		session, err := secrets.Connect(t.Context(), store.Store, token)
		if err != nil {
			t.Fatal(err)
		}
		want(t, lookup(t.Context(), session, "A"), "one")
		store.afterFirst(func() {
			store.before = func(...string) error {
				if left--; left < 0 {
					return storage.ErrUnavailable
				}
				return nil
			}
		})
		err = org.DeleteService(t.Context(), "api")
		want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
		if err == nil {
			break
		}
		if !errors.Is(err, secrets.ErrUnknownOutcome) {
			t.Errorf("away after %d reads: %v", reads, err)
		}
	}
}

// Whoever has seen the new service takes the old one's records for what they are.
func TestSerialOfADamagedServiceDoesNotGoBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 5 {
		f.token(t)
	}
	old := []storage.Entry{stored(t, f.store, "org/acme/service/api"), stored(t, f.store, "org/acme/serial/api")}
	for _, e := range old {
		damage(t, f.store, e.Key)
	}
	org := f.anew(t, f.store)
	if err := org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	if _, err := getService(t)(org.CreateService(t.Context(), "api")).IssueToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, old)
	_, err := org.Service(t.Context(), "api")
	wantError(t, err, secrets.ErrTampered)
}

func TestLongKeysThatSomebodyPutThereStopNoDeletion(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, newMemory(t)) // a database may not take such keys
	f.give(t, "a", "one")
	stray := make([]storage.Entry, storage.MaxWrites)
	for i := range stray { // more than a batch takes
		stray[i] = storage.Entry{Key: fmt.Sprintf("org/acme/zzz/%03d%s", i, strings.Repeat("x", 12<<10)), Value: []byte("x")}
	}
	restore(t, f.store, stray)
	if err := f.client.DeleteOrganization(t.Context(), "acme", withGrants()); err != nil {
		t.Fatalf("%.300v", err)
	}
	if left := entries(t, f.store, "org/acme/"); len(left) > 0 {
		t.Errorf("%d records are left", len(left))
	}
}
