package crypto_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// The formats of the package comment, read and written with the standard
// library alone.

// xaes returns AES-GCM under the key that XAES-256-GCM (C2SP) derives from key
// and the first half of nonce, and the second half.
func xaes(key, nonce []byte) (cipher.AEAD, []byte) {
	block := must(aes.NewCipher(key))
	subkey := make([]byte, 16)
	block.Encrypt(subkey, subkey)
	msb := subkey[0] >> 7
	for i := range subkey {
		subkey[i] <<= 1
		if i+1 < len(subkey) {
			subkey[i] |= subkey[i+1] >> 7
		}
	}
	subkey[15] ^= msb * 0x87

	derived := make([]byte, 0, 32)
	for counter := byte(1); counter <= 2; counter++ {
		input := append([]byte{0, counter, 'X', 0}, nonce[:12]...)
		for i := range input {
			input[i] ^= subkey[i]
		}
		block.Encrypt(input, input)
		derived = append(derived, input...)
	}
	return gcm(derived), nonce[12:24]
}

func gcm(key []byte) cipher.AEAD { return must(cipher.NewGCM(must(aes.NewCipher(key)))) }

func xaesSeal(key, plaintext, associatedData []byte) []byte {
	nonce := slices.Repeat([]byte{0x5a}, 24)
	a, iv := xaes(key, nonce)
	return append(nonce, a.Seal(nil, iv, plaintext, associatedData)...)
}

func xaesOpen(key, ciphertext, associatedData []byte) ([]byte, error) {
	a, iv := xaes(key, ciphertext[:24])
	return a.Open(nil, iv, ciphertext[24:], associatedData)
}

// keysWith returns a Keyset of one key, id 0x01020304, with these
// bytes.
func keysWith(t testing.TB, raw []byte) *crypto.Keyset {
	t.Helper()
	params := must(xaesgcm.NewParameters(xaesgcm.VariantTink, 12))
	secret := secretdata.NewBytesFromData(raw, insecuresecretdataaccess.Token{})
	manager := keyset.NewManager()
	id := must(manager.AddKey(must(xaesgcm.NewKey(secret, 0x01020304, params))))
	if err := manager.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	return must(unwrapHandle(t, must(manager.Handle())))
}

// unwrapHandle lets a root answer with any keyset, well sealed.
func unwrapHandle(t testing.TB, handle *keyset.Handle) (*crypto.Keyset, error) {
	t.Helper()
	root := newRoot(t)
	associatedData := crypto.AssociatedData(organizationBinding)
	wrapped := must(root.Wrap(t.Context(), sealedHandle(t, handle, associatedData), associatedData))
	return crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding)
}

func sealedHandle(t testing.TB, handle *keyset.Handle, associatedData []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(associatedData)
	buf := bytes.NewBuffer(sum[:])
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(buf)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// The vector is of the C2SP specification.
func TestTheIndependentXAESIsRight(t *testing.T) {
	t.Parallel()
	key := slices.Repeat([]byte{0x01}, 32)
	a, iv := xaes(key, []byte("ABCDEFGHIJKLMNOPQRSTUVWX"))
	got := hex.EncodeToString(a.Seal(nil, iv, []byte("XAES-256-GCM"), nil))
	if want := "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWrapsByATokenAreXAESOfTheRawKey(t *testing.T) {
	t.Parallel()
	raw := slices.Repeat([]byte{0x42}, 32)
	token := must(crypto.TokenKeyFromBytes(raw))
	associatedData := crypto.AssociatedData(tokenBinding)

	wrapped := must(token.WrapServiceKey(must(crypto.NewServiceKey()), tokenBinding))
	service := must(xaesOpen(raw, wrapped, associatedData))
	if len(service) != crypto.KeySize {
		t.Fatalf("the wrap holds %d bytes", len(service))
	}

	// And back, one level deeper: a service key of ours opens a grant.
	ours := must(token.UnwrapServiceKey(xaesSeal(raw, service, associatedData), tokenBinding))
	grant := must(ours.WrapVersionKey(must(crypto.NewVersionKey()), grantBinding))
	if _, err := xaesOpen(service, grant, crypto.AssociatedData(grantBinding)); err != nil {
		t.Errorf("the grant does not open: %v", err)
	}
}

func TestWrapsByAnOrganizationBeginWithItsKeyID(t *testing.T) {
	t.Parallel()
	raw := slices.Repeat([]byte{0x43}, 32)
	prefix := []byte{0x01, 0x01, 0x02, 0x03, 0x04}
	keys := keysWith(t, raw)
	version := must(crypto.NewVersionKey())
	ciphertexts := map[string]struct{ ciphertext, associatedData []byte }{
		"service key": {must(keys.WrapServiceKey(must(crypto.NewServiceKey()), serviceKeyBinding)), crypto.AssociatedData(serviceKeyBinding)},
		"token key":   {must(keys.WrapTokenKey(must(crypto.NewTokenKey()), tokenKeyBinding)), crypto.AssociatedData(tokenKeyBinding)},
		"version key": {must(keys.WrapVersionKey(version, versionBinding)), crypto.AssociatedData(versionBinding)},
		"tag":         {must(keys.Tag(tagBinding)), crypto.AssociatedData(tagBinding)},
	}
	for name, c := range ciphertexts {
		rest, ok := bytes.CutPrefix(c.ciphertext, prefix)
		if !ok {
			t.Errorf("%s begins with %x", name, c.ciphertext[:5])
			continue
		}
		if _, err := xaesOpen(raw, rest, c.associatedData); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesAreGCMOfTheWrappedKey(t *testing.T) {
	t.Parallel()
	raw := slices.Repeat([]byte{0x44}, 32)
	version := versionKeyWith(t, raw)
	ciphertext := must(version.Encrypt([]byte("hunter2"), valueBinding))
	got, err := gcm(raw).Open(nil, ciphertext[:12], ciphertext[12:], crypto.AssociatedData(valueBinding))
	if err != nil || string(got) != "hunter2" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestAKeysetIsSealedWithTheDigestOfItsBinding(t *testing.T) {
	t.Parallel()
	root := &recordingRoot{Root: newRoot(t)}
	must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding))
	sum := sha256.Sum256(crypto.AssociatedData(organizationBinding))
	if !bytes.Equal(root.wrapped[:32], sum[:]) {
		t.Error("the plaintext does not begin with the digest of the associated data")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(root.wrapped[32:])))
	if err != nil || handle.Len() != 1 {
		t.Errorf("the rest is not a keyset of one key: %v", err)
	}
}

// A wrap made by who holds the wrapping key, with something else inside.
func TestOnlyKeysOf32BytesAreUnwrapped(t *testing.T) {
	t.Parallel()
	raw := slices.Repeat([]byte{0x45}, 32)
	token, keys := must(crypto.TokenKeyFromBytes(raw)), keysWith(t, raw)
	byKeyset := func(plaintext, associatedData []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{1}, 0x01020304), xaesSeal(raw, plaintext, associatedData)...)
	}
	for _, n := range []int{0, 1, 16, 31, 33, 64, 4096} {
		plaintext := make([]byte, n)
		_, err := token.UnwrapServiceKey(xaesSeal(raw, plaintext, crypto.AssociatedData(tokenBinding)), tokenBinding)
		if err != crypto.ErrTampered {
			t.Errorf("a service key of %d bytes: %v", n, err)
		}
		_, err = keys.UnwrapVersionKey(byKeyset(plaintext, crypto.AssociatedData(versionBinding)), versionBinding)
		if err != crypto.ErrTampered {
			t.Errorf("a version key of %d bytes: %v", n, err)
		}
		err = keys.VerifyTag(byKeyset(plaintext, crypto.AssociatedData(tagBinding)), tagBinding)
		if n > 0 && err != crypto.ErrTampered {
			t.Errorf("a tag that holds %d bytes: %v", n, err)
		}
	}
	// The construction itself is right.
	if _, err := keys.UnwrapVersionKey(byKeyset(raw, crypto.AssociatedData(versionBinding)), versionBinding); err != nil {
		t.Errorf("32 bytes: %v", err)
	}
	if err := keys.VerifyTag(byKeyset(nil, crypto.AssociatedData(tagBinding)), tagBinding); err != nil {
		t.Errorf("an empty tag: %v", err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := crypto.TokenKeyFromBytes(make([]byte, n)); err == nil {
			t.Errorf("a token key of %d bytes was accepted", n)
		}
	}
}

func TestTokenKeyBytesAreCopies(t *testing.T) {
	t.Parallel()
	raw := slices.Repeat([]byte{0x46}, 32)
	token := must(crypto.TokenKeyFromBytes(raw))
	clear(raw)
	clear(token.Bytes())
	if !bytes.Equal(token.Bytes(), slices.Repeat([]byte{0x46}, 32)) {
		t.Error("the key changed with a slice that was given or returned")
	}
}

// serviceKeyWith and versionKeyWith make keys with known bytes through the
// door: as the holder of the key above could.
func serviceKeyWith(t testing.TB, raw []byte) *crypto.ServiceKey {
	t.Helper()
	token := slices.Repeat([]byte{0x47}, 32)
	wrapped := xaesSeal(token, raw, crypto.AssociatedData(tokenBinding))
	return must(must(crypto.TokenKeyFromBytes(token)).UnwrapServiceKey(wrapped, tokenBinding))
}

func versionKeyWith(t testing.TB, raw []byte) *crypto.VersionKey {
	t.Helper()
	service := slices.Repeat([]byte{0x48}, 32)
	wrapped := xaesSeal(service, raw, crypto.AssociatedData(grantBinding))
	return must(serviceKeyWith(t, service).UnwrapVersionKey(wrapped, grantBinding))
}
