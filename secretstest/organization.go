package secretstest

import (
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// New returns an organization named "test" and the store that it is in, which
// are of this test alone: the store is in memory and closed when the test ends,
// the root a new key file in a folder that goes with it. Whatever goes wrong
// ends the test.
func New(t testing.TB) (*secrets.Organization, storage.Store) {
	t.Helper()
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	store := memory.New()
	t.Cleanup(func() { _ = store.Close() }) // it holds nothing that could fail
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	org, err := client.CreateOrganization(t.Context(), "test")
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	return org, store
}
