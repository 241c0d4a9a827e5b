package secrets_test

import (
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// forgeID puts a record with an id that is made up in the place of an
// organization's, and returns the good one. The root does not open it.
func forgeID(t *testing.T, store storage.Store) (good storage.Entry) {
	t.Helper()
	good = stored(t, store, "orgs/acme")
	forged := struct {
		ID      crypto.ID `cbor:"1,keyasint"`
		Serial  uint64    `cbor:"2,keyasint"`
		Keyset  []byte    `cbor:"4,keyasint"`
		Created int64     `cbor:"5,keyasint"`
	}{crypto.NewID(), 1, []byte("x"), 1}
	restore(t, store, []storage.Entry{{Key: good.Key, Value: untagged(t, forged)}})
	return good
}

func TestForgedIDsMakeAClientForgetNoOrganization(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, newMemory(t)) // thousands of commits
	f.give(t, "a", "one")
	older := entries(t, f.store, "org/acme/")
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))
	restore(t, f.store, older)
	const many = 10_000 // as often as a client drops one of the 1,024 that it keeps
	good := forgeID(t, f.store)
	for range many { // each time another
		forgeID(t, f.store)
		if _, err := f.client.Organization(t.Context(), "acme"); !errors.Is(err, secrets.ErrWrongRoot) {
			t.Fatal(err)
		}
	}
	restore(t, f.store, []storage.Entry{good})
	_, err := get(t)(f.client.Organization(t.Context(), "acme")).Secret(t.Context(), "a")
	wantError(t, err, secrets.ErrTampered)
}

func TestADeletionOfAnOrganizationDoesNotTakeAForgedIDForASuccessor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	var good storage.Entry
	store.afterFirst(func() { good = forgeID(t, f.store) })
	wantError(t, client.DeleteOrganization(t.Context(), "acme", withGrants()), secrets.ErrUnknownOutcome)
	restore(t, f.store, []storage.Entry{good})
	if err := client.DeleteOrganization(t.Context(), "acme", withGrants()); err != nil {
		t.Error(err)
	}
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
}
