package secrets_test

import (
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A name that was deleted may be created again while somebody still deletes, or
// holds, what had it before. What came after is not his.

func TestASlowDeletionOfAServiceLeavesItsSuccessorsGrants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	created := false
	store.before = func(keys ...string) error {
		// The rows are listed, and the first one is about to be revoked.
		if !created && slices.Contains(keys, "org/acme/env/api/a") {
			created = true
			f.api = getService(t)(f.org.CreateService(t.Context(), "api")) // which finishes the deletion
			f.give(t, "a", "one")
		}
		return nil
	}
	if err := p.org.DeleteService(t.Context(), "api"); err != nil {
		t.Error(err)
	}
	if !created {
		t.Fatal("no row was read")
	}
	want(t, lookup(t.Context(), f.api, "A"), "one")
}

// A row without a secret is one that somebody has put there.
func TestASlowDeletionOfAServiceLeavesTheRowOfAGrantMadeMeanwhile(t *testing.T) {
	t.Parallel()
	const secret, row = "org/acme/secret/b", "org/acme/env/api/b"
	f := newFixture(t)
	f.give(t, "a", "one")
	stray := stored(t, f.store, "org/acme/env/api/a")
	stray.Key = row
	restore(t, f.store, []storage.Entry{stray})
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	reads := 0
	store.before = func(keys ...string) error {
		if slices.Contains(keys, secret) || slices.Contains(keys, row) {
			reads++
		}
		if reads == 2 { // the first found no secret, and so the row is to go
			reads++
			f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
			f.give(t, "b", "two")
		}
		return nil
	}
	if err := p.org.DeleteService(t.Context(), "api"); err != nil {
		t.Error(err)
	}
	if reads < 3 {
		t.Fatalf("the secret was read %d times", reads)
	}
	want(t, lookup(t.Context(), f.api, "B"), "two")
}

func TestASlowDeletionOfASecretLeavesItsSuccessor(t *testing.T) {
	t.Parallel()
	for what, opts := range deletions() {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			crowded(t, f)
			store := &hooked{Store: f.store}
			p := f.elsewhere(t, store)
			var again secrets.Secret
			store.afterFirst(func() { // the tombstone; most grants are left
				again = made(t)(f.org.CreateSecret(t.Context(), "a", text("new")))
			})
			old := made(t)(f.org.Secret(t.Context(), "a"))
			if err := p.org.DeleteSecret(t.Context(), "a", opts(old.ID)); err != nil {
				t.Error(err)
			}
			if now := made(t)(f.org.Secret(t.Context(), "a")); now.ID != again.ID {
				t.Errorf("the secret is %+v, but %+v was created", now, again)
			}
		})
	}
}

func TestALostDeletionOfASecretLeavesItsSuccessor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.loseNext(func() {
		store.land()
		made(t)(f.org.CreateSecret(t.Context(), "a", text("new")))
	})
	if err := p.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Error(err)
	}
	made(t)(f.org.Secret(t.Context(), "a"))
}

func TestASlowDeletionOfAnOrganizationLeavesItsSuccessor(t *testing.T) {
	t.Parallel()
	for what, opts := range deletions() {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			store := &hooked{Store: f.store}
			client := f.open(t, store)
			var again *secrets.Organization
			store.afterFirst(func() {
				again = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
				made(t)(again.CreateSecret(t.Context(), "precious", text("v")))
			})
			if err := client.DeleteOrganization(t.Context(), "acme", opts(idOf(t, f.client, "acme"))); err != nil {
				t.Error(err)
			}
			made(t)(again.Secret(t.Context(), "precious"))
		})
	}
}

// deletions returns options that delete what is used, of any id and of one.
func deletions() map[string]func(id string) *secrets.DeleteOptions {
	return map[string]func(string) *secrets.DeleteOptions{
		"of any id":  func(string) *secrets.DeleteOptions { return &secrets.DeleteOptions{Revoke: true} },
		"of this id": func(id string) *secrets.DeleteOptions { return &secrets.DeleteOptions{Revoke: true, IfID: id} },
	}
}

// idOf returns the id that an organization has now.
func idOf(t testing.TB, client *secrets.Client, name secrets.Name) string {
	t.Helper()
	for info, err := range client.Organizations(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Name == name {
			return info.ID
		}
	}
	t.Fatalf("no organization %q", name)
	return ""
}
