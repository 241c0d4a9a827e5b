package secrets_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Somebody with the database can damage any record. It must not keep an
// administrator from taking access away.

func TestATokenIsRevokedAlsoIfAnothersRecordIsGone(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(testing.TB, storage.Store, string){"removed": remove, "damaged": damage} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			stolen, other := f.token(t), f.token(t)
			thief := f.connect(t, stolen)
			row := stored(t, f.store, "org/acme/token/api/"+stolen.ID())
			spoil(t, f.store, "org/acme/token/api/"+other.ID())
			if err := f.api.RevokeToken(t.Context(), stolen.ID()); err != nil {
				t.Fatal(err)
			}
			want(t, lookup(t.Context(), thief, "A"), secrets.ErrUnauthenticated.Error())
			made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
			restore(t, f.store, []storage.Entry{row})
			want(t, lookup(t.Context(), thief, "A"), secrets.ErrTampered.Error())
			// The other one went with it.
			wantError(t, f.api.RevokeToken(t.Context(), other.ID()), secrets.ErrNotFound)
			if tokens, err := f.api.Tokens(t.Context()); err != nil || len(tokens) != 0 {
				t.Errorf("tokens %v, %v", tokens, err)
			}
		})
	}
}

func TestATokenWhoseRecordIsGoneIsRevoked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token, other := f.token(t), f.token(t)
	row := stored(t, f.store, "org/acme/token/api/"+token.ID())
	remove(t, f.store, row.Key)
	wantError(t, failure(f.api.Tokens(t.Context())), secrets.ErrTampered)
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Fatal(err)
	}
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
	want(t, lookup(t.Context(), f.connect(t, other), "A"), "after")
	restore(t, f.store, []storage.Entry{row})
	want(t, lookup(t.Context(), f.connect(t, token), "A"), secrets.ErrTampered.Error())
}

func TestATokenIsRevokedAlsoIfASecretDoesNotOpen(t *testing.T) {
	t.Parallel()
	for _, record := range []string{"secret", "access"} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			f.give(t, "junk", "two")
			stolen := f.token(t)
			row := stored(t, f.store, "org/acme/token/api/"+stolen.ID())
			good := stored(t, f.store, "org/acme/"+record+"/junk")
			damage(t, f.store, good.Key)
			if err := f.api.RevokeToken(t.Context(), stolen.ID()); err != nil {
				t.Fatal(err)
			}
			made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
			// The thief repairs it, and puts his row back.
			restore(t, f.store, []storage.Entry{good, row})
			_, _ = f.org.UpdateSecret(t.Context(), "junk", text("after"), nil)
			for _, key := range []string{"org/acme/env/api/a", "org/acme/env/api/junk"} {
				for _, got := range readWith(t, alone(t, f.store, stored(t, f.store, key)), stolen) {
					if got == "after" {
						t.Errorf("by %s the revoked token reads what was stored after its revocation", key)
					}
				}
			}
			// To grant it anew makes it whole.
			if _, err := f.api.Grant(t.Context(), "junk", ""); err != nil {
				t.Fatal(err)
			}
			made(t)(f.org.UpdateSecret(t.Context(), "junk", text("again"), nil))
			want(t, lookup(t.Context(), f.connect(t, f.token(t)), "JUNK"), "again")
		})
	}
}

func TestASecretOfWhichARecordDoesNotOpenIsDeletedAndMadeAnew(t *testing.T) {
	t.Parallel()
	for _, record := range []string{"secret", "access"} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "junk", "one")
			before := made(t)(f.org.Secret(t.Context(), "junk"))
			damage(t, f.store, "org/acme/"+record+"/junk")
			fresh := get(t)(f.open(t, copied(t, f.store)).Organization(t.Context(), "acme"))
			for _, org := range []*secrets.Organization{fresh, f.org} { // without memory, and with
				wantError(t, failure(org.SetSecret(t.Context(), "junk", text("two"))), secrets.ErrTampered)
				wantError(t, org.DeleteSecret(t.Context(), "junk", nil), secrets.ErrTampered)
				if err := org.DeleteSecret(t.Context(), "junk", &secrets.DeleteOptions{Revoke: true}); err != nil {
					t.Fatal(err)
				}
				again := made(t)(org.SetSecret(t.Context(), "junk", text("two")))
				if again.ID == before.ID || again.Version <= before.Version {
					t.Errorf("it was %+v, and is %+v", before, again)
				}
			}
			want(t, lookup(t.Context(), f.api, "JUNK"), "absent")
		})
	}
}

func TestADeletionOfAServiceGoesOnPastASecretThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "junk", "one")
	f.give(t, "zeta", "two")
	session := f.connect(t, f.token(t))
	damage(t, f.store, "org/acme/secret/junk")
	wantError(t, f.org.DeleteService(t.Context(), "api"), secrets.ErrTampered)
	want(t, lookup(t.Context(), session, "ZETA"), secrets.ErrUnauthenticated.Error())
	if grants, err := f.org.Usage(t.Context(), "zeta"); err != nil || len(grants) > 0 {
		t.Errorf("the grants behind it stay: %v, %v", grants, err)
	}
	if err := f.org.DeleteSecret(t.Context(), "junk", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	nothingLeftOf("org/acme/service/", "org/acme/token/", "org/acme/env/", "org/acme/var/")(t, f, f.org)
}

func TestAServiceThatLostAGrantWhileItDidNotOpenReadsTheRestOnceItDoes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	web := getService(t)(f.org.CreateService(t.Context(), "web"))
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	for _, name := range []secrets.Name{"a", "b"} {
		if _, err := web.Grant(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	was := stored(t, f.store, "org/acme/service/web")
	damage(t, f.store, was.Key)
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, []storage.Entry{was})
	want(t, lookup(t.Context(), web, "A"), "absent")
	want(t, lookup(t.Context(), web, "B"), "two")
}

func TestAServiceThatDoesNotOpenIsDeletedAndFreesTheSecretsItShared(t *testing.T) {
	t.Parallel()
	for _, record := range []string{"service", "serial"} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			web := getService(t)(f.org.CreateService(t.Context(), "web"))
			if _, err := web.Grant(t.Context(), "a", ""); err != nil {
				t.Fatal(err)
			}
			damage(t, f.store, "org/acme/"+record+"/web")
			wantError(t, web.Revoke(t.Context(), "a"), secrets.ErrTampered)
			if err := f.org.DeleteService(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
			made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))
			want(t, lookup(t.Context(), f.api, "A"), "two")
			if err := f.api.Revoke(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			web = getService(t)(f.org.CreateService(t.Context(), "web"))
			want(t, lookup(t.Context(), web, "A"), "absent")
		})
	}
}
