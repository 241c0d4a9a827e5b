package secrets_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// needing returns the calls that need what they name to be there.
func needing(calls []call) []call {
	return slices.DeleteFunc(calls, func(c call) bool { return c.makes })
}

// The tests of this file are not parallel: they capture what is printed.

func TestWhatNeverWasIsNotFound(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	calls := slices.Concat(
		clientCalls(f.client, "nobody"), secretCalls(f.org, "nobody"), serviceCalls(f.org, "nobody"), grantCalls(f.api, "nobody"),
	)
	wantRefused(t, f, secrets.ErrNotFound, needing(calls))
}

func TestWhatWasDeletedIsNotFound(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	get(t)(f.client.CreateOrganization(t.Context(), "gone"))
	getService(t)(f.org.CreateService(t.Context(), "gone"))
	if _, err := f.org.CreateSecret(t.Context(), "gone", text(canary)); err != nil {
		t.Fatal(err)
	}
	calls := slices.Concat(
		clientCalls(f.client, "gone"), secretCalls(f.org, "gone"), serviceCalls(f.org, "gone"), grantCalls(f.api, "gone"),
	)
	for _, c := range calls {
		if strings.HasPrefix(c.at.Op, "delete") {
			if err := c.do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantRefused(t, f, secrets.ErrNotFound, needing(calls))
}

// A service's token is none of another service, and an id has one spelling.
func TestUnknownTokensAreNotFound(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	other, err := getService(t)(f.org.CreateService(t.Context(), "web")).IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		"", "x", crypto.NewID().String(), other.ID(), token.ID() + "0", token.ID()[1:], " " + token.ID(),
		strings.ToUpper(token.ID()[:31]) + "F", token.Reveal(), "../web/" + other.ID(), strings.Repeat("0", 32),
	} {
		for _, c := range tokenCalls(f.api, id) {
			if c.at.Op == "revoke token" {
				wantRefused(t, f, secrets.ErrNotFound, []call{c}, token.Reveal(), other.Reveal())
			}
		}
	}
	for _, token := range []secrets.Token{token, other} {
		f.connect(t, token)
	}
}

func TestHandlesOfADeletedOrganizationFindNothing(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	id := f.token(t).ID()
	calls := slices.Concat(
		secretCalls(f.org, "a"), secretCalls(f.org, "new"), serviceCalls(f.org, "api"), serviceCalls(f.org, "new"),
		grantCalls(f.api, "a"), tokenCalls(f.api, id),
	)
	if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, f, secrets.ErrNotFound, calls)

	// Nor do they reach what has the same names now.
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "a", canary)
	wantRefused(t, f, secrets.ErrNotFound, calls)
	want(t, lookup(t.Context(), f.api, "A"), canary)
}

func TestHandlesOfADeletedServiceFindNothing(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	old := f.api
	calls := append(tokenCalls(old, f.token(t).ID()), grantCalls(old, "a")...)
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, f, secrets.ErrNotFound, calls)

	// Nor do they reach the service that has the same name now.
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "a", canary)
	wantRefused(t, f, secrets.ErrNotFound, calls[:len(calls)-1])
	want(t, lookup(t.Context(), f.api, "A"), canary)
}

func TestAHandleOfADeletedServiceRevokesNothingOfItsSuccessor(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	old := f.api
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "a", canary)
	wantRefused(t, f, secrets.ErrNotFound, grantCalls(old, "a"))
	want(t, lookup(t.Context(), f.api, "A"), canary)
}

func TestListingsAndKeysOfADeletedOrganizationFindNothing(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	calls := append(listCalls(f.client, f.org)[1:], keyCalls(f.org, keyIDs(t, f.org)[0])...)
	if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, f, secrets.ErrNotFound, calls)
}

// One error, and no name of the successor.
func TestListingsOfADeletedOrganizationShowNothingOfItsSuccessor(t *testing.T) {
	f := newFixture(t)
	old := f.org
	if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	for _, name := range []secrets.Name{"a", "b", "c"} {
		made(t)(f.org.CreateSecret(t.Context(), name, text(canary)))
	}
	n := 0
	for s, err := range old.Secrets(t.Context(), nil) {
		wantError(t, err, secrets.ErrNotFound)
		want(t, string(s.Name), "")
		n++
	}
	if n != 1 {
		t.Errorf("%d entries and errors, want one error", n)
	}
}

// getless is a store whose Get fails once it is told so.
type getless struct {
	storage.Store
	fail bool
}

func (g *getless) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if g.fail {
		return nil, storage.ErrUnavailable
	}
	return g.Store.Get(ctx, keys...)
}
