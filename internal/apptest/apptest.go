// Package apptest makes what the tests of an app's side need: an organization
// with a service, in any store.
package apptest

import (
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Platform is the administrator's side of a test: the organization "acme"
// and its service "api". Whatever goes wrong ends the test.
type Platform struct {
	Organization *secrets.Organization
	Service      *secrets.Service
}

// New makes the organization, under a new root, and the service.
func New(t testing.TB, store storage.Store) Platform {
	t.Helper()
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	org, err := client.CreateOrganization(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	api, err := org.CreateService(t.Context(), "api")
	if err != nil {
		t.Fatal(err)
	}
	return Platform{org, api}
}

// Give sets a secret and grants it.
func (p Platform) Give(t testing.TB, name secrets.Name, value string) {
	t.Helper()
	if _, err := p.Organization.SetSecret(t.Context(), name, secrets.Text(value)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Service.Grant(t.Context(), name, ""); err != nil {
		t.Fatal(err)
	}
}

// Token issues a token of the service.
func (p Platform) Token(t testing.TB) secrets.Token {
	t.Helper()
	token, err := p.Service.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}
