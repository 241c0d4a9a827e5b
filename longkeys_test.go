package secrets_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// plantLong writes records whose keys are together longer than a batch takes. It
// returns false if the store has no room for such keys.
func plantLong(t *testing.T, store storage.Store, prefix, suffix string) bool {
	t.Helper()
	for i := range 30 {
		key := fmt.Sprintf("%s0%s%02d%s", prefix, strings.Repeat("x", 50_000), i, suffix)
		err := store.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: key}}, Puts: []storage.Put{{Key: key}}})
		if errors.Is(err, secrets.ErrConflict) || errors.Is(err, secrets.ErrUnknownOutcome) {
			t.Fatal(err)
		}
		if err != nil {
			return false
		}
	}
	return true
}

func TestKeysOfAnyLengthStopNoDeletionOfWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	session := f.connect(t, f.token(t))
	if !plantLong(t, f.store, "org/acme/token/api/", "") {
		return
	}
	plantLong(t, f.store, "org/acme/version/a/", "")
	plantLong(t, f.store, "org/acme/env/", "/a")
	damageTag(t, f.store, "org/acme/service/api")
	damageTag(t, f.store, "org/acme/secret/a")
	want(t, lookup(t.Context(), session, "A"), "one")
	if err := f.org.DeleteSecret(t.Context(), "a", withGrants()); err != nil {
		t.Error(err)
	}
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Error(err)
	}
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	if receipt, err := f.org.ConfirmDeletion(t.Context(), "a"); err != nil || receipt.Level < secrets.LevelRecords {
		t.Errorf("%+v, %v", receipt, err)
	}
	nothingLeftOf("org/acme/env/", "org/acme/token/", "org/acme/version/")(t, f, f.org)
}
