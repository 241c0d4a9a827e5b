package secrets_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// SECURITY.md: "A process that has seen the newer records refuses the older ones."
func TestAnOrganizationThatWasDeletedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for what, after := range map[string]func(*fixture) error{
		"deleted":       func(*fixture) error { return nil },
		"created again": func(f *fixture) error { return failure(f.client.CreateOrganization(t.Context(), "acme")) },
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		before := entries(t, f.store, "")
		if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
			t.Fatal(err)
		}
		if err := after(f); err != nil {
			t.Fatal(err)
		}
		_ = failure(f.client.Organization(t.Context(), "acme"))
		restore(t, f.store, before)
		if err := failure(f.client.Organization(t.Context(), "acme")); err == nil {
			t.Errorf("%s: the process that deleted it opens the former one", what)
		}
		if v, err := f.org.RevealSecret(t.Context(), "a"); err == nil {
			t.Errorf("%s: the old handle reveals %d bytes", what, v.Len())
		}
	}
}

// One row, written without any key, has the platform's own CreateOrganization
// (and a DeleteOrganization without Revoke) remove every record of a live
// organization, its keyset included, for good.
func TestOneUntaggedRowDoesNotMakeThePlatformRemoveAnOrganization(t *testing.T) {
	t.Parallel()
	type forgedOrganization struct {
		ID      crypto.ID `cbor:"1,keyasint"`
		Serial  uint64    `cbor:"2,keyasint"`
		State   uint8     `cbor:"3,keyasint,omitempty"`
		Created int64     `cbor:"5,keyasint"`
	}
	for what, call := range map[string]func(*secrets.Client) error{
		"create": func(c *secrets.Client) error { return failure(c.CreateOrganization(t.Context(), "acme")) },
		"delete": func(c *secrets.Client) error { return c.DeleteOrganization(t.Context(), "acme", nil) },
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		n := len(entries(t, f.store, "org/acme/"))
		restore(t, f.store, []storage.Entry{{Key: "orgs/acme", Value: untagged(t, forgedOrganization{ID: crypto.NewID(), Serial: 1, State: 1})}})
		err := call(f.open(t, f.store))
		if left := len(entries(t, f.store, "org/acme/")); left < n {
			t.Errorf("%s: %d of %d records are left (%v)", what, left, n, err)
		}
	}
}
