package kms_test

import (
	"context"
	"testing"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// ignoring is the AEAD of a KMS that drops the associated data, as Vault does
// with what the older hcvault.NewClient sends.
type ignoring struct{ crypto.Root }

var _ tink.AEADWithContext = ignoring{}

func (i ignoring) EncryptWithContext(ctx context.Context, plaintext, _ []byte) ([]byte, error) {
	return i.Wrap(ctx, plaintext, nil)
}

func (i ignoring) DecryptWithContext(ctx context.Context, ciphertext, _ []byte) ([]byte, error) {
	return i.Unwrap(ctx, ciphertext, nil)
}

func newIgnoring(t *testing.T) crypto.Root {
	t.Helper()
	return crypto.FromTinkWithContext(ignoring{newVault(t).root(t, "first")})
}

func TestARootThatIgnoresAssociatedDataOpensNoMovedKeyset(t *testing.T) {
	t.Parallel()
	root := newIgnoring(t)
	acme := crypto.OrganizationBinding{OrganizationID: crypto.ID{1}, Organization: "acme", Serial: 1}
	wrapped := wrap(t, root, acme)
	if _, err := root.Unwrap(t.Context(), wrapped, []byte("other")); err != nil {
		t.Fatalf("the root does not ignore associated data: %v", err)
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, acme); err != nil {
		t.Fatal(err)
	}
	for _, other := range []crypto.OrganizationBinding{
		{OrganizationID: crypto.ID{2}, Organization: "acme", Serial: 1},
		{OrganizationID: crypto.ID{1}, Organization: "rival", Serial: 1},
		{OrganizationID: crypto.ID{1}, Organization: "acme", Serial: 2},
	} {
		_, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, other)
		wantError(t, err, crypto.ErrWrongRoot)
	}
}

func TestARootThatIgnoresAssociatedDataOpensNoMovedOrganization(t *testing.T) {
	t.Parallel()
	store, root := memory.New(), newIgnoring(t)
	give(t, store, root, "acme")
	give(t, store, root, "rival")
	wantValue(t, store, root, "acme")

	swap(t, store, "orgs/acme", "orgs/rival")
	wantRefused(t, store, root, "acme", secrets.ErrWrongRoot)
	wantRefused(t, store, root, "rival", secrets.ErrWrongRoot)
}
