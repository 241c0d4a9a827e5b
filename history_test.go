package secrets_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// keeping returns the organization through a client that keeps so many versions.
func (f *fixture) keeping(t testing.TB, versions int) *secrets.Organization {
	t.Helper()
	client, err := secrets.Open(f.store, f.root, &secrets.Options{Logger: sweepLog(t), Versions: versions})
	if err != nil {
		t.Fatal(err)
	}
	return get(t)(client.Organization(t.Context(), "acme"))
}

// setTo sets a secret to the values "1" to "last", as so many versions.
func setTo(t testing.TB, org *secrets.Organization, name secrets.Name, last int) {
	t.Helper()
	for n := range last {
		if _, err := org.SetSecret(t.Context(), name, text(fmt.Sprint(n+1))); err != nil {
			t.Fatal(err)
		}
	}
}

// kept returns the versions of a secret and their values, and whether they
// are what the store has.
func kept(t testing.TB, f *fixture, org *secrets.Organization, name secrets.Name) string {
	t.Helper()
	versions, err := org.Versions(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if stored := len(entries(t, f.store, "org/acme/version/"+string(name)+"/")); stored != len(versions)-1 {
		t.Errorf("%d older versions are stored, want %d", stored, len(versions)-1)
	}
	var all []string
	for i, v := range versions {
		if v.Current != (i == 0) || v.CreatedAt.IsZero() {
			t.Errorf("version %d: %+v", i, v)
		}
		value, err := org.RevealVersion(t.Context(), name, v.Version)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d=%s", v.Version, reveal(value)))
	}
	return strings.Join(all, " ")
}

func TestLastTenVersionsAreKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	setTo(t, f.org, "a", 3)
	want(t, kept(t, f, f.org, "a"), "3=3 2=2 1=1")
	setTo(t, f.org, "a", 12) // the third of them is there already
	want(t, kept(t, f, f.org, "a"), "15=12 14=11 13=10 12=9 11=8 10=7 9=6 8=5 7=4 6=3")
	for _, gone := range []uint64{0, 1, 5, 16, 1 << 63} {
		_, err := f.org.RevealVersion(t.Context(), "a", gone)
		wantError(t, err, secrets.ErrNotFound)
	}
}

func TestRetentionIsWhatTheClientSaysAtTheNextUpdate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	setTo(t, f.keeping(t, 64), "a", 70)
	if versions, err := f.org.Versions(t.Context(), "a"); err != nil || len(versions) != 64 || versions[63].Version != 7 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	three := f.keeping(t, 3)
	if _, err := three.UpdateSecret(t.Context(), "a", text("next"), nil); err != nil {
		t.Fatal(err)
	}
	want(t, kept(t, f, three, "a"), "71=next 70=70 69=69")
	one := f.keeping(t, 1)
	if _, err := one.UpdateSecret(t.Context(), "a", text("last"), nil); err != nil {
		t.Fatal(err)
	}
	want(t, kept(t, f, one, "a"), "72=last")
	if _, err := three.UpdateSecret(t.Context(), "a", text("more"), nil); err != nil {
		t.Fatal(err)
	}
	want(t, kept(t, f, one, "a"), "73=more 72=last")
	for _, versions := range []int{-1, 65} {
		_, err := secrets.Open(f.store, f.root, &secrets.Options{Versions: versions})
		wantError(t, err, secrets.ErrLimit)
	}
}

func TestServicesSeeTheCurrentVersionAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "1")
	session := f.connect(t, f.token(t))
	old := entries(t, f.store, "org/acme/env/api/a")
	setTo(t, f.org, "a", 3)
	want(t, lookup(t.Context(), session, "A"), "3")

	// The row of a version that is kept opens nothing, wherever it is put.
	restore(t, f.store, old)
	want(t, lookup(t.Context(), session, "A"), secrets.ErrTampered.Error())
	fresh := f.connect(t, f.token(t))
	want(t, lookup(t.Context(), fresh, "A"), secrets.ErrTampered.Error())
}

func TestRollbackIsANewVersionWithTheOldValue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "1")
	setTo(t, f.org, "a", 3)
	session := f.connect(t, f.token(t))
	s, err := f.org.RollbackSecret(t.Context(), "a", 1, &secrets.UpdateOptions{IfVersion: 3})
	if err != nil || s.Version != 4 {
		t.Fatalf("%+v, %v", s, err)
	}
	want(t, lookup(t.Context(), session, "A"), "1")
	want(t, kept(t, f, f.org, "a"), "4=1 3=3 2=2 1=1")

	s, err = f.org.RollbackSecret(t.Context(), "a", 4, nil)
	if err != nil || s.Version != 4 {
		t.Errorf("to the current version: %+v, %v", s, err)
	}
	_, err = f.org.RollbackSecret(t.Context(), "a", 2, &secrets.UpdateOptions{IfVersion: 3})
	wantError(t, err, secrets.ErrConflict)
	_, err = f.org.RollbackSecret(t.Context(), "a", 2, &secrets.UpdateOptions{IfID: "other"})
	wantError(t, err, secrets.ErrConflict)
	_, err = f.org.RollbackSecret(t.Context(), "a", 9, nil)
	wantError(t, err, secrets.ErrNotFound)
	_, err = f.org.RollbackSecret(t.Context(), "b", 1, nil)
	wantError(t, err, secrets.ErrNotFound)
	want(t, kept(t, f, f.org, "a"), "4=1 3=3 2=2 1=1")
}

func TestRollbackToAValueThatNoVariableCarriesIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.org.CreateSecret(t.Context(), "a", text("with\x00NUL")); err != nil {
		t.Fatal(err)
	}
	f.give(t, "a", "without")
	_, err := f.org.RollbackSecret(t.Context(), "a", 1, nil)
	wantError(t, err, secrets.ErrInvalidEnv)
	want(t, lookup(t.Context(), f.api, "A"), "without")
}

func TestGrantsAndRevocationsMakeNoVersionAndLoseNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	setTo(t, f.org, "a", 2)
	before := kept(t, f, f.org, "a")
	f.give(t, "a", "2")
	if _, err := f.api.Grant(t.Context(), "a", "ELSEWHERE"); err != nil {
		t.Fatal(err)
	}
	token := f.token(t)
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Fatal(err)
	}
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, kept(t, f, f.org, "a"), before)
}

func TestDeletionTakesAllVersionsAndTheNameRevivesNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	full := f.keeping(t, 64)
	setTo(t, full, "a", 70)
	for _, name := range names("svc", 30) { // with the versions more than fit a batch
		if _, err := getService(t)(f.org.CreateService(t.Context(), name)).Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	older := entries(t, f.store, "org/acme/version/a/")
	if err := full.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"org/acme/version/", "org/acme/env/", "org/acme/var/", "org/acme/access/"} {
		if left := entries(t, f.store, prefix); len(left) > 0 {
			t.Errorf("%d records left under %s", len(left), prefix)
		}
	}
	_, err := full.Versions(t.Context(), "a")
	wantError(t, err, secrets.ErrNotFound)
	_, err = full.RevealVersion(t.Context(), "a", 70)
	wantError(t, err, secrets.ErrNotFound)

	if _, err := full.CreateSecret(t.Context(), "a", text("new")); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, older) // somebody puts the old versions back
	_, err = full.RevealVersion(t.Context(), "a", 70)
	wantError(t, err, secrets.ErrNotFound)
	if versions, err := full.Versions(t.Context(), "a"); err != nil || len(versions) != 1 || versions[0].Version != 71 {
		t.Errorf("%v, %v", versions, err)
	}
}

func TestAnOlderVersionThatWasChangedMovedOrRemovedIsNoticed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	setTo(t, f.org, "a", 3)
	setTo(t, f.org, "b", 3)
	record := func(secret string, n int) storage.Entry {
		return entries(t, f.store, fmt.Sprintf("org/acme/version/%s/%016x", secret, n))[0]
	}
	right := record("a", 1)
	attack := func(what string, value []byte) {
		t.Helper()
		restore(t, f.store, []storage.Entry{{Key: right.Key, Value: value}})
		for _, org := range []*secrets.Organization{f.org, f.keeping(t, 0)} {
			_, err := org.RevealVersion(t.Context(), "a", 1)
			wantError(t, err, secrets.ErrTampered)
			_, err = org.RollbackSecret(t.Context(), "a", 1, nil)
			wantError(t, err, secrets.ErrTampered)
			if _, err = org.Versions(t.Context(), "a"); err == nil {
				t.Errorf("%s: Versions does not notice", what)
			}
			wantError(t, err, secrets.ErrTampered)
			v, err := org.RevealSecret(t.Context(), "a")
			if err != nil || reveal(v) != "3" {
				t.Errorf("%s: the current version: %v", what, err)
			}
		}
	}
	attack("another version", record("a", 2).Value)
	attack("another secret's", record("b", 1).Value)
	attack("a secret's record", entries(t, f.store, "org/acme/secret/a")[0].Value)
	for i := range right.Value {
		value := append([]byte(nil), right.Value...)
		value[i] ^= 1
		restore(t, f.store, []storage.Entry{{Key: right.Key, Value: value}})
		if _, err := f.org.RevealVersion(t.Context(), "a", 1); err == nil {
			t.Fatalf("byte %d of %d changed, and nobody notices", i, len(right.Value))
		}
	}
	restore(t, f.store, []storage.Entry{right})
	want(t, kept(t, f, f.org, "a"), "3=3 2=2 1=1")

	now := record("a", 1)
	err := f.store.Commit(t.Context(), storage.Batch{
		Checks: []storage.Check{{Key: now.Key, Version: now.Version}}, Deletes: []string{now.Key},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.org.Versions(t.Context(), "a")
	wantError(t, err, secrets.ErrTampered)
	setTo(t, f.org, "a", 1) // what is missing keeps nobody from going on
}
