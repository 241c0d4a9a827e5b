package secrets_test

import (
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Somebody puts all records of a secret back as they were, which a process that
// has not seen the newer ones takes for what there is. These tests are about the
// processes that have.

func TestAProcessRemembersWhatItWroteItself(t *testing.T) {
	t.Parallel()
	for what, write := range map[string]func(*fixture) error{
		"update": func(f *fixture) error { return failure(f.org.UpdateSecret(t.Context(), "a", text("two"), nil)) },
		"grant":  func(f *fixture) error { return failure(f.api.Grant(t.Context(), "a", "ELSEWHERE")) },
		"revoke": func(f *fixture) error { return f.api.Revoke(t.Context(), "a") },
		"delete": func(f *fixture) error {
			return f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true})
		},
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		token := f.token(t)
		before := entries(t, f.store, "org/acme/")
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		restore(t, f.store, before)
		for _, c := range slices.Concat(secretCalls(f.org, "a"), grantCalls(f.api, "a")) {
			if isSalvage(c) {
				continue
			}
			if err := c.do(t.Context()); err == nil {
				t.Errorf("%s: %s takes the older state", what, c.at.Op)
			}
		}
		if got := lookup(t.Context(), f.connect(t, token), "A"); got != "one" {
			t.Errorf("%s: a process without memory reads %s", what, got)
		}
	}
}

func TestServiceEnvironmentDoesNotGoBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	other := f.elsewhere(t, f.store)
	before := entries(t, f.store, "org/acme/")
	if _, err := other.org.UpdateSecret(t.Context(), "a", text("two"), nil); err != nil {
		t.Fatal(err)
	}
	sources := map[string]secrets.Source{"session": session, "platform that read": f.api, "platform that wrote": other.api}
	want(t, lookup(t.Context(), f.api, "A"), "two")
	want(t, lookup(t.Context(), session, "A"), "two")
	older := append(filter(before, "org/acme/secret/a"), filter(before, "org/acme/env/api/a")...)
	for _, put := range [][]storage.Entry{older, before} {
		restore(t, f.store, put)
		for who, source := range sources {
			if got := lookup(t.Context(), source, "A"); got != secrets.ErrTampered.Error() {
				t.Errorf("%s: got %s", who, got)
			}
		}
	}
}

func TestListingsShowNoRecordThatWasPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	before := entries(t, f.store, "org/acme/")
	other := f.elsewhere(t, f.store)
	if _, err := f.org.UpdateSecret(t.Context(), "a", text("two"), nil); err != nil {
		t.Fatal(err)
	}
	f.token(t) // writes the service's record
	listings := []call{listCalls(f.client, f.org)[1], listCalls(f.client, f.org)[2], listCalls(f.client, other.org)[1], listCalls(f.client, other.org)[2]}
	for _, l := range listings {
		if err := l.do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	restore(t, f.store, append(filter(before, "org/acme/secret/a"), filter(before, "org/acme/service/api")...))
	for _, l := range listings {
		wantError(t, l.do(t.Context()), secrets.ErrTampered)
	}
}

// A secret never goes away: a tombstone stays.
func TestASecretThatIsHiddenIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	other := f.elsewhere(t, f.store)
	if err := failure(other.org.Secret(t.Context(), "a")); err != nil {
		t.Fatal(err)
	}
	remove(t, f.store, "org/acme/secret/a")
	remove(t, f.store, "org/acme/access/a")
	for _, org := range []*secrets.Organization{f.org, other.org} {
		unchanged(t, f, func() {
			for _, c := range secretCalls(org, "a") {
				if !isSalvage(c) {
					wantError(t, c.do(t.Context()), secrets.ErrTampered)
				}
			}
		})
	}
}

func TestAServiceThatIsHiddenIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	remove(t, f.store, "org/acme/service/api")
	remove(t, f.store, "org/acme/serial/api")
	unchanged(t, f, func() {
		for _, c := range append(serviceCalls(f.org, "api"), tokenCalls(f.api, "")...) {
			if isSalvage(c) {
				continue
			}
			if err := c.do(t.Context()); err == nil {
				t.Errorf("%s: no error", c.at.Op)
			}
		}
	})
}

func TestAServiceThatWasDeletedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for what, after := range map[string]func(*fixture) error{
		"deleted":       func(*fixture) error { return nil },
		"created again": func(f *fixture) error { return failure(f.org.CreateService(t.Context(), "api")) },
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		other := f.elsewhere(t, f.store)
		before := entries(t, f.store, "org/acme/")
		if err := f.org.DeleteService(t.Context(), "api"); err != nil {
			t.Fatal(err)
		}
		if err := after(f); err != nil {
			t.Fatal(err)
		}
		_ = failure(other.org.Service(t.Context(), "api")) // found or not, it was seen
		restore(t, f.store, before)
		for who, org := range map[string]*secrets.Organization{"wrote it": f.org, "saw it": other.org} {
			if err := failure(org.Service(t.Context(), "api")); err == nil {
				t.Errorf("%s: the process that %s opens the former one", what, who)
			}
		}
		want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
	}
}
