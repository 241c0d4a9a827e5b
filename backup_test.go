package secrets_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// Crypto-shredding: what was deleted stays in every backup, and so does its key,
// but under a root that is gone.
func TestABackupOfBeforeDoesNotOpenOnceTheRootWasRotatedAndDestroyed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database, oldFile := filepath.Join(dir, "secrets.db"), filepath.Join(dir, "old.json")
	f := newFixtureWith(t, openFile(t, database), keyFile(t, oldFile))
	f.give(t, "a", "one")
	token := f.token(t)
	other := get(t)(f.client.CreateOrganization(t.Context(), "stays"))
	made(t)(other.CreateSecret(t.Context(), "a", text("one")))
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	copyFile(t, database, backup)

	store := openFile(t, database)
	f.store, f.next = store, newRoot(t)
	client := f.with(t, keyFile(t, oldFile))
	if err := client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if err := client.RotateRoot(t.Context(), f.next, nil); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, client, f.next, secrets.RootUsage{Organizations: 1})
	wantNextRoot(t, f, nil)

	f.store = openFile(t, backup)
	org := get(t)(f.with(t, keyFile(t, oldFile)).Organization(t.Context(), "acme")) // while the old root is there
	v, err := org.RevealSecret(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want(t, reveal(v), "one")
	if err := os.Remove(oldFile); err != nil {
		t.Fatal(err)
	}
	for what, root := range map[string]crypto.Root{"the new root": f.next, "another file at the old place": keyFile(t, oldFile)} {
		for _, name := range []secrets.Name{"acme", "stays"} {
			err := failure(f.with(t, root).Organization(t.Context(), name))
			if !errors.Is(err, secrets.ErrWrongRoot) {
				t.Errorf("%s opens %s in a backup of before: %v", what, name, err)
			}
		}
	}
	// A token never needed the root. Whoever has one has what its service had.
	want(t, lookup(t.Context(), f.connect(t, token), "A"), "one")
}

func openFile(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func keyFile(t *testing.T, path string) crypto.Root {
	t.Helper()
	root, err := crypto.KeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
