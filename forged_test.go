package secrets_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// newGranted returns a fixture with secret a granted to api and to web, and a
// token of each.
func newGranted(t *testing.T) (f *fixture, api, web secrets.Token) {
	t.Helper()
	f = newFixture(t)
	f.give(t, "a", "one")
	service := getService(t)(f.org.CreateService(t.Context(), "web"))
	if _, err := service.Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	web, err := service.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f, f.token(t), web
}

// isSalvage tells the calls that delete also what does not open, going by what
// still does and by what is remembered.
func isSalvage(c call) bool { return c.at.Op == "delete secret" || c.at.Op == "delete service" }

// wantUntouched fails the test unless every administrator's call that reads
// secret a says that it was tampered with, and leaves everything as it is.
func (f *fixture) wantUntouched(t *testing.T) {
	t.Helper()
	org := get(t)(f.open(t, f.store).Organization(t.Context(), "acme"))
	calls := append(secretCalls(org, "a"), grantCalls(getService(t)(org.Service(t.Context(), "api")), "a")...)
	unchanged(t, f, func() {
		for _, c := range calls {
			if !isSalvage(c) {
				wantError(t, c.do(t.Context()), secrets.ErrTampered)
			}
		}
		for s, err := range org.Secrets(t.Context(), nil) {
			if err == nil {
				t.Errorf("listed: %s version %d", s.Name, s.Version)
			}
		}
	})
}

// All tokens of a service are one trust domain, as RevokeToken says: that what
// is forged opens there shows that it is well made.
func TestATokenWithTheDatabaseForgesForItsOwnServiceAlone(t *testing.T) {
	t.Parallel()
	f, stolen, web := newGranted(t)
	other := f.token(t)
	th := steal(t, f.store, stolen)
	restore(t, f.store, th.forge(t, parse[forgedSecret](t, f.store, th.secretKey("a")), "a", "A", "forged"))

	want(t, lookup(t.Context(), f.connect(t, other), "A"), "forged")
	want(t, lookup(t.Context(), f.connect(t, web), "A"), secrets.ErrTampered.Error())
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
	f.wantUntouched(t)
}

// The holder of a version key can make another ciphertext under it. What each
// reader goes by is the digest in the wrap for him.
func TestAGranteeWithTheDatabaseCannotChangeWhatAnotherReads(t *testing.T) {
	t.Parallel()
	f, api, web := newGranted(t)
	th := steal(t, f.store, web)
	s, key := th.open(t, f.store, "a")
	forged := th.encrypt(t, s, "a", key, "forged")
	restore(t, f.store, []storage.Entry{{Key: th.secretKey("a"), Value: untagged(t, forged)}, th.row(t, forged, "a", key, "A")})

	want(t, lookup(t.Context(), f.connect(t, web), "A"), "forged") // his own
	want(t, lookup(t.Context(), f.connect(t, api), "A"), secrets.ErrTampered.Error())
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
	f.wantUntouched(t)
}

func TestAFormerTokenWithTheDatabaseForgesForNobody(t *testing.T) {
	t.Parallel()
	f, stolen, _ := newGranted(t)
	other := f.token(t)
	before := entries(t, f.store, "org/acme/")
	th := steal(t, f.store, stolen)
	if err := f.api.RevokeToken(t.Context(), stolen.ID()); err != nil {
		t.Fatal(err)
	}
	session := f.connect(t, other)
	want(t, lookup(t.Context(), session, "A"), "one")
	genuine := entries(t, f.store, "org/acme/")
	s := parse[forgedSecret](t, f.store, th.secretKey("a"))
	forged := th.forge(t, s, "a", "A", "forged")

	for what, put := range map[string][]storage.Entry{"both": forged, "secret": forged[:1], "row": forged[1:]} {
		restore(t, f.store, put)
		for who, source := range map[string]secrets.Source{"open": session, "fresh": f.connect(t, other), "platform": f.api} {
			if got := lookup(t.Context(), source, "A"); got != secrets.ErrTampered.Error() {
				t.Errorf("%s forged, %s: got %s", what, who, got)
			}
		}
		restore(t, f.store, genuine)
	}
	// With the older record of the other token the old key opens again; the
	// process that has seen the newer one knows.
	restore(t, f.store, append(forged, filter(before, "org/acme/token/api/"+other.ID())...))
	want(t, lookup(t.Context(), session, "A"), secrets.ErrTampered.Error())
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
	f.wantUntouched(t)
}

func TestThePlatformInjectsNoSecretThatWasForged(t *testing.T) {
	t.Parallel()
	f, stolen, _ := newGranted(t)
	th := steal(t, f.store, stolen)
	for _, env := range []string{"B", "LD_PRELOAD"} {
		forged := th.forge(t, forgedSecret{ID: crypto.NewID()}, "b", env, "forged")
		restore(t, f.store, forged)
		want(t, lookup(t.Context(), f.connect(t, stolen), env), "forged") // it is well made
		want(t, lookup(t.Context(), f.api, env), secrets.ErrTampered.Error())
		for _, e := range forged {
			remove(t, f.store, e.Key)
		}
	}
	want(t, lookup(t.Context(), f.api, "A"), "one")
}

func TestThePlatformInjectsNoSecretIntoAPrivilegedVariable(t *testing.T) {
	t.Parallel()
	f, stolen, _ := newGranted(t)
	th := steal(t, f.store, stolen)
	s, key := th.open(t, f.store, "a")
	for _, env := range []string{"LD_PRELOAD", "ld_preload", "TAR_OPTIONS", "SECRETS_TOKEN", "A=B", "A\x00", ""} {
		restore(t, f.store, []storage.Entry{th.row(t, s, "a", key, env)})
		if env, err := f.api.Environment(t.Context()); err == nil {
			t.Errorf("injected: %d variables", env.Len())
		}
	}
	restore(t, f.store, []storage.Entry{th.row(t, s, "a", key, "LD_PRELOAD")})
	_, err := f.api.Environment(t.Context())
	wantError(t, err, secrets.ErrInvalidEnv)
	restore(t, f.store, []storage.Entry{th.row(t, s, "a", key, "A")})
	want(t, lookup(t.Context(), f.api, "A"), "one")
}
