package secrets_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

func TestASecretOfTheLargestValueAndManyGrantsGoesThroughEverything(t *testing.T) {
	t.Parallel()
	const most = 4096
	grants := 150
	if long() {
		grants = most
	}
	f := newFixture(t)
	f.give(t, "a", "one")
	services := names("svc", grants-1)
	for _, name := range services {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	if long() {
		other := getService(t)(f.org.CreateService(t.Context(), "one-more"))
		wantError(t, failure(other.Grant(t.Context(), "a", "")), secrets.ErrLimit)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	token, kept := f.token(t), f.token(t)
	value := strings.Repeat("x", secrets.MaxValue)
	must(failure(f.org.UpdateSecret(t.Context(), "a", secrets.Text(value), nil)))
	must(f.api.RevokeToken(t.Context(), token.ID()))
	must(failure(f.api.Grant(t.Context(), "a", "MOVED")))
	session := f.connect(t, kept)
	want(t, lookup(t.Context(), session, "MOVED"), value)
	if found := findings(t, f.client); len(found) > 0 {
		t.Errorf("found: %v", found)
	}
	must(f.api.Revoke(t.Context(), "a"))
	want(t, lookup(t.Context(), session, "MOVED"), "absent")
	var used *secrets.InUseError
	if err := f.org.DeleteSecret(t.Context(), "a", nil); !errors.As(err, &used) || len(used.Grants) != len(services) {
		t.Errorf("deletion without Revoke: %v", err)
	}
	must(f.org.DeleteService(t.Context(), services[7]))
	want(t, lookup(t.Context(), getService(t)(f.org.Service(t.Context(), services[8])), "A"), value)
	must(f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}))
	nothingLeftOf("org/acme/env/", "org/acme/var/", "org/acme/access/")(t, f, f.org)
}
