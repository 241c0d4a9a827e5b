package secrets_test

import (
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestVariableThatNoGrantStandsBehindIsTakenOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	left := filter(entries(t, f.store, "org/acme/var/"), "org/acme/var/api/A")
	if len(left) != 1 {
		t.Fatal("the variable's record is not where it was expected")
	}
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, left)
	if _, err := f.api.Grant(t.Context(), "b", "A"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "A"), "two")

	_, err := f.api.Grant(t.Context(), "a", "a")
	var taken *secrets.EnvError
	if !errors.As(err, &taken) || taken.Taken != "b" {
		t.Errorf("got %v", err)
	}
}

func TestVariableOfAnotherSecretIsRefusedAlsoIfItsRecordSaysOtherwise(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	// A record that names the secret which asks does not make the two meet: it
	// was the database's writer who put it there, and the app sees it.
	record := filter(entries(t, f.store, "org/acme/var/"), "org/acme/var/api/B")[0]
	record.Key = "org/acme/var/api/A"
	restore(t, f.store, []storage.Entry{record})
	if _, err := f.api.Grant(t.Context(), "b", "A"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
}
