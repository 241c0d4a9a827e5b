package secrets_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Somebody who has got hold of a key of an organization puts the record back that
// it had under that key. Each wrap raises the record's serial.
func TestRotateRootDoesNotWrapAKeysetThatWasReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	old := stored(t, f.store, "orgs/acme")
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	now := stored(t, f.store, "orgs/acme")
	restore(t, f.store, []storage.Entry{old})
	for range 3 {
		wantError(t, f.client.RotateRoot(t.Context(), newRoot(t), nil), secrets.ErrTampered)
	}
	wantError(t, failure(f.org.CreateSecret(t.Context(), "b", text("two"))), secrets.ErrTampered)
	restore(t, f.store, []storage.Entry{now})
	if err := f.client.RotateRoot(t.Context(), newRoot(t), nil); err != nil {
		t.Error(err)
	}
	want(t, lookup(t.Context(), f.api, "A"), "one")
}

func TestRotateRootGoesOnBesideARotationOfTheKeyInThisProcess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	root := &flaky{Root: newRoot(t)}
	rotated := false
	root.unwrap = func(int64) error {
		// The second question is about acme, whose record was read before.
		if root.calls.Load() == 3 && !rotated {
			rotated = true
			if err := org.RotateKey(context.WithoutCancel(t.Context()), nil); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if err := client.RotateRoot(t.Context(), root, nil); err != nil {
		t.Error(err)
	}
	if !rotated {
		t.Error("the key was not rotated meanwhile")
	}
	f.root = root
	want(t, lookup(t.Context(), f.elsewhere(t, f.store).api, "A"), "one")
}
