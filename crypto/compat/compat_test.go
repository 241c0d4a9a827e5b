package compat_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

var (
	acme = crypto.OrganizationBinding{OrganizationID: crypto.ID{1}, Organization: "acme", Serial: 1}
	// What the other organization's wrap must not open as.
	rival = crypto.OrganizationBinding{OrganizationID: crypto.ID{2}, Organization: "rival", Serial: 1}
	tag   = crypto.TagBinding{Record: 1, Organization: crypto.ID{1}, Names: []string{"acme"}, Body: []byte("record")}
)

// templates are all that the old library can make for AEAD without a KMS, with
// the new library's own.
var templates = map[string]*tinkpb.KeyTemplate{
	"AES128_GCM":             aead.AES128GCMKeyTemplate(),
	"AES256_GCM":             aead.AES256GCMKeyTemplate(),
	"AES256_GCM_RAW":         aead.AES256GCMNoPrefixKeyTemplate(),
	"AES128_CTR_HMAC_SHA256": aead.AES128CTRHMACSHA256KeyTemplate(),
	"AES256_CTR_HMAC_SHA256": aead.AES256CTRHMACSHA256KeyTemplate(),
	"CHACHA20_POLY1305":      aead.ChaCha20Poly1305KeyTemplate(),
	"XCHACHA20_POLY1305":     aead.XChaCha20Poly1305KeyTemplate(),
}

func TestKeysetsOfTheOldLibraryAreRootsHere(t *testing.T) {
	t.Parallel()
	old := startOld(t)
	for name := range templates {
		t.Run(name, func(t *testing.T) { exchange(t, old, old.newKeyset(t, name)) })
	}
}

func TestKeysetsOfTheNewLibraryAreReadByTheOldOne(t *testing.T) {
	t.Parallel()
	old := startOld(t)
	for name, template := range templates {
		t.Run(name, func(t *testing.T) { exchange(t, old, newKeyset(t, template)) })
	}
}

// exchange passes ciphertexts and an organization's keyset between the two
// libraries, both ways, under the same root.
func exchange(t *testing.T, old *old, serialized []byte) {
	t.Helper()
	here := read(t, serialized)
	there := oldRoot{old, serialized}
	for _, plaintext := range [][]byte{{}, []byte("hunter2"), make([]byte, 64<<10)} {
		associatedData := []byte("associated")
		ciphertext, err := there.Wrap(t.Context(), plaintext, associatedData)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := here.Decrypt(ciphertext, associatedData); err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("old to new, %d bytes: %v", len(plaintext), err)
		}
		if _, err := here.Decrypt(ciphertext, []byte("other")); err == nil {
			t.Error("old to new: associated data does not matter")
		}
		ciphertext, err = here.Encrypt(plaintext, associatedData)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := there.Unwrap(t.Context(), ciphertext, associatedData); err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("new to old, %d bytes: %v", len(plaintext), err)
		}
		if _, err := there.Unwrap(t.Context(), ciphertext, []byte("other")); err == nil {
			t.Error("new to old: associated data does not matter")
		}
	}
	organizationMoves(t, there, crypto.FromTink(here))
	organizationMoves(t, crypto.FromTink(here), there)
}

// organizationMoves wraps an organization with one root and opens it with the
// other, as the engine does.
func organizationMoves(t *testing.T, from, to crypto.Root) {
	t.Helper()
	keys, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := keys.Wrap(t.Context(), from, acme)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := crypto.UnwrapKeyset(t.Context(), to, wrapped, acme)
	if err != nil {
		t.Fatal(err)
	}
	authentic, err := keys.Tag(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.VerifyTag(authentic, tag); err != nil {
		t.Errorf("the keyset that was opened is another: %v", err)
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), to, wrapped, rival); err != crypto.ErrWrongRoot {
		t.Errorf("as another organization: %v", err)
	}
	changed := slices.Clone(wrapped)
	changed[len(changed)/2] ^= 1
	if _, err := crypto.UnwrapKeyset(t.Context(), to, changed, acme); err != crypto.ErrWrongRoot {
		t.Errorf("one bit flipped: %v", err)
	}
}

func TestTheOldLibraryRefusesXAESKeysets(t *testing.T) {
	t.Parallel()
	old := startOld(t)
	serialized := newKeyset(t, aead.XAES256GCM192BitNonceKeyTemplate())
	there := oldRoot{old, serialized}
	if _, err := there.Wrap(t.Context(), []byte("x"), nil); err == nil || !strings.Contains(err.Error(), "XAesGcmKey") {
		t.Errorf("the old library does not name the type that it does not know: %v", err)
	}
	keys, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Wrap(t.Context(), there, acme); err != crypto.ErrRootUnavailable {
		t.Errorf("wrap: %v", err)
	}
	wrapped, err := keys.Wrap(t.Context(), crypto.FromTink(read(t, serialized)), acme)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), there, wrapped, acme); err != crypto.ErrWrongRoot {
		t.Errorf("unwrap: %v", err)
	}
}

func TestKeyFilesAreReadByTheOldLibrary(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.json")
	root, err := crypto.KeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	serialized, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	there := oldRoot{startOld(t), serialized}
	organizationMoves(t, root, there)
	organizationMoves(t, there, root)
}

func TestKeysetsOfTheOldLibraryAreKeyFiles(t *testing.T) {
	t.Parallel()
	old := startOld(t)
	for name := range templates {
		serialized := old.newKeyset(t, name)
		path := filepath.Join(t.TempDir(), "root.json")
		if err := os.WriteFile(path, serialized, 0o600); err != nil {
			t.Fatal(err)
		}
		root, err := crypto.KeyFile(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		organizationMoves(t, root, oldRoot{old, serialized})
		organizationMoves(t, oldRoot{old, serialized}, root)
	}
}

func newKeyset(t testing.TB, template *tinkpb.KeyTemplate) []byte {
	t.Helper()
	handle, err := keyset.NewHandle(template)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func read(t testing.TB, serialized []byte) tink.AEAD {
	t.Helper()
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(serialized)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
