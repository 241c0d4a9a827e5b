package crypto

import (
	"crypto/rand"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeySize is the length in bytes of a service key, a token key and a version
// key.
const KeySize = 32

func newKeyBytes() []byte {
	raw := make([]byte, KeySize)
	rand.Read(raw) // never fails: the program ends instead
	return raw
}

func seal(a tink.AEAD, plaintext, associatedData []byte) ([]byte, error) {
	if associatedData == nil {
		return nil, errBinding
	}
	return a.Encrypt(plaintext, associatedData)
}

func open(a tink.AEAD, ciphertext, associatedData []byte) ([]byte, error) {
	if associatedData == nil {
		return nil, ErrTampered
	}
	var plaintext []byte
	var err error
	erasing(func() { plaintext, err = a.Decrypt(ciphertext, associatedData) })
	if err != nil {
		return nil, ErrTampered // alone: the ways to fail must look alike
	}
	return plaintext, nil
}

// openKey opens a wrapped key. The caller owns the bytes.
func openKey(a tink.AEAD, wrapped, associatedData []byte) ([]byte, error) {
	raw, err := open(a, wrapped, associatedData)
	if err != nil {
		return nil, err
	}
	if len(raw) != KeySize {
		clear(raw)
		return nil, ErrTampered
	}
	return raw, nil
}

// newXAES returns XAES-256-GCM (C2SP, 24 random bytes of nonce, no prefix)
// under raw. Tink builds one only from a keyset, so this costs some
// microseconds and is done once a key. Tink keeps its own copies of raw.
func newXAES(raw []byte) (tink.AEAD, error) {
	params, err := xaesgcm.NewParameters(xaesgcm.VariantNoPrefix, xaesSaltSize)
	if err != nil {
		return nil, err
	}
	key, err := xaesgcm.NewKey(secretBytes(raw), 0, params)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManager()
	id, err := manager.AddKey(key)
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}

// xaesSaltSize is what XAES-256-GCM fixes; Tink knows shorter ones, which are
// not that algorithm.
const xaesSaltSize = 12

// newGCM returns AES-256-GCM (12 random bytes of nonce, 16 of tag, no prefix)
// under raw. Tink keeps its own copies of raw.
func newGCM(raw []byte) (tink.AEAD, error) {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: KeySize,
		IVSizeInBytes:  12,
		TagSizeInBytes: 16,
		Variant:        aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, err
	}
	key, err := aesgcm.NewKey(secretBytes(raw), 0, params)
	if err != nil {
		return nil, err
	}
	return aesgcm.NewAEAD(key)
}

func secretBytes(raw []byte) secretdata.Bytes {
	return secretdata.NewBytesFromData(raw, insecuresecretdataaccess.Token{})
}
