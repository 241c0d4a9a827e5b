package secrets_test

import (
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestGrantedServiceReadsSecretAndOthersDoNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "database-url", "postgres://db")
	if _, err := f.org.CreateSecret(t.Context(), "other", text("not granted")); err != nil {
		t.Fatal(err)
	}
	session := f.connect(t, f.token(t))
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "postgres://db")
	want(t, lookup(t.Context(), session, "OTHER"), "absent")
	want(t, lookup(t.Context(), f.api, "DATABASE_URL"), "postgres://db")
}

func TestUpdateIsSeenByRunningSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	want(t, lookup(t.Context(), session, "A"), "one")
	s, err := f.org.UpdateSecret(t.Context(), "a", text("two"), nil)
	if err != nil || s.Version != 2 {
		t.Fatalf("update: %+v, %v", s, err)
	}
	want(t, lookup(t.Context(), session, "A"), "two")
}

func TestSops901RevokedServiceLosesAccessAlsoWithItsRowPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	row := entries(t, f.store, "org/acme/env/api/a")
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), "absent")
	restore(t, f.store, row)
	want(t, lookup(t.Context(), session, "A"), secrets.ErrTampered.Error())
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), "absent")
}

func TestDeletedSecretIsGoneAndItsNameRevivesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	err := f.org.DeleteSecret(t.Context(), "a", nil)
	wantError(t, err, secrets.ErrInUse)
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), "absent")
	wantError(t, f.org.DeleteSecret(t.Context(), "a", nil), secrets.ErrNotFound)
	s, err := f.org.CreateSecret(t.Context(), "a", text("new"))
	if err != nil || s.Version != 2 {
		t.Fatalf("create again: %+v, %v", s, err)
	}
	want(t, lookup(t.Context(), session, "A"), "absent")
}

func TestRevokedTokenIsUnauthenticatedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	first, second := f.token(t), f.token(t)
	one, two := f.connect(t, first), f.connect(t, second)
	old := entries(t, f.store, "org/acme/token/api/"+first.ID())
	if err := f.api.RevokeToken(t.Context(), first.ID()); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), one, "A"), secrets.ErrUnauthenticated.Error())
	want(t, lookup(t.Context(), two, "A"), "one")
	wantError(t, f.api.RevokeToken(t.Context(), first.ID()), secrets.ErrNotFound)
	restore(t, f.store, old)
	want(t, lookup(t.Context(), one, "A"), secrets.ErrTampered.Error())
	tokens, err := f.api.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || tokens[0].ID != second.ID() {
		t.Errorf("tokens %v, %v", tokens, err)
	}
}

func TestManyGranteesAreUpdatedRevokedAndDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	services := names("svc", 1000)
	for _, name := range services {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.org.UpdateSecret(t.Context(), "a", text("two"), nil); err != nil {
		t.Fatal(err)
	}
	last := getService(t)(f.org.Service(t.Context(), services[len(services)-1]))
	want(t, lookup(t.Context(), last, "A"), "two")
	want(t, lookup(t.Context(), f.api, "A"), "two")
	if _, err := f.api.Grant(t.Context(), "a", "MOVED"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "MOVED"), "two")
	want(t, lookup(t.Context(), f.api, "A"), "absent")
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "MOVED"), "absent")
	want(t, lookup(t.Context(), last, "A"), "two")
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), last, "A"), "absent")
	for _, prefix := range []string{"org/acme/env/", "org/acme/var/", "org/acme/access/"} {
		if left := entries(t, f.store, prefix); len(left) > 0 {
			t.Errorf("%d records left under %s", len(left), prefix)
		}
	}
	if _, err := f.org.CreateSecret(t.Context(), "a", text("new")); err != nil {
		t.Error(err)
	}
}

func TestDeletedServiceLosesEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrNotFound.Error())
	grants, err := f.org.Usage(t.Context(), "a")
	if err != nil || len(grants) != 0 {
		t.Errorf("usage %v, %v", grants, err)
	}
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
}

func TestOrganizationIsDeletedOnlyWhenEmptyOrAsked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	wantError(t, f.client.DeleteOrganization(t.Context(), "acme", nil), secrets.ErrInUse)
	want(t, lookup(t.Context(), f.api, "A"), "one")
	if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, f.store, ""); len(left) > 0 {
		t.Errorf("%d records left", len(left))
	}
	_, err := f.org.Secret(t.Context(), "a")
	wantError(t, err, secrets.ErrNotFound)
	get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	_, err = f.org.CreateSecret(t.Context(), "a", text("x"))
	wantError(t, err, secrets.ErrNotFound)
}

func TestWrongRootIsToldApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	client, err := secrets.Open(f.store, newRoot(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Organization(t.Context(), "acme")
	wantError(t, err, secrets.ErrWrongRoot)
	_, err = client.CreateOrganization(t.Context(), "acme")
	wantError(t, err, secrets.ErrWrongRoot)
	_, err = f.client.CreateOrganization(t.Context(), "acme")
	wantError(t, err, secrets.ErrExists)
}

func TestTwoSecretsDoNotMeetInOneVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	if _, err := f.org.CreateSecret(t.Context(), "b", text("two")); err != nil {
		t.Fatal(err)
	}
	_, err := f.api.Grant(t.Context(), "b", "a")
	wantError(t, err, secrets.ErrInvalidEnv)
	if _, err := f.api.Grant(t.Context(), "b", ""); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "B"), "two")
}

// entries returns what is stored under a prefix.
func entries(t testing.TB, store storage.Store, prefix string) []storage.Entry {
	t.Helper()
	all, err := store.List(t.Context(), prefix, "", storage.MaxList)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// restore writes entries as they were, as somebody with the database could.
func restore(t testing.TB, store storage.Store, entries []storage.Entry) {
	t.Helper()
	for chunk := range slices.Chunk(entries, storage.MaxChecks) {
		versions := map[string]uint64{}
		var keys []string
		for _, e := range chunk {
			keys = append(keys, e.Key)
		}
		now, err := store.Get(t.Context(), keys...)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range now {
			versions[e.Key] = e.Version
		}
		var b storage.Batch
		for _, e := range chunk {
			b.Checks = append(b.Checks, storage.Check{Key: e.Key, Version: versions[e.Key]})
			b.Puts = append(b.Puts, storage.Put{Key: e.Key, Value: e.Value})
		}
		if err := store.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}
