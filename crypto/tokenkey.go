package crypto

import (
	"bytes"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A TokenKey is the secret part of a service's token. It opens the service key
// that was wrapped by it. It is safe for concurrent use, and prints as
// [redacted]. The zero value holds no key and must not be used.
type TokenKey struct {
	redacted
	raw  concealed[[]byte]
	aead concealed[tink.AEAD]
}

// NewTokenKey returns a fresh random key.
func NewTokenKey() (*TokenKey, error) { return newTokenKey(newKeyBytes()) }

// TokenKeyFromBytes returns the key with these [KeySize] bytes, which it
// copies. The caller clears raw.
func TokenKeyFromBytes(raw []byte) (*TokenKey, error) {
	if len(raw) != KeySize {
		return nil, errKeySize
	}
	return newTokenKey(bytes.Clone(raw))
}

// newTokenKey takes raw over.
func newTokenKey(raw []byte) (*TokenKey, error) {
	a, err := newXAES(raw)
	if err != nil {
		return nil, err
	}
	return &TokenKey{raw: conceal(raw), aead: conceal(a)}, nil
}

// Bytes returns a copy of the key, for the token's text. The caller clears it.
func (k *TokenKey) Bytes() []byte { return bytes.Clone(k.raw()) }

// WrapServiceKey wraps s by the token. It takes 72 bytes.
func (k *TokenKey) WrapServiceKey(s *ServiceKey, b TokenBinding) ([]byte, error) {
	return seal(k.aead(), s.raw(), b.associatedData())
}

// UnwrapServiceKey opens what [TokenKey.WrapServiceKey] made for the same
// binding, or fails with [ErrTampered].
func (k *TokenKey) UnwrapServiceKey(wrapped []byte, b TokenBinding) (*ServiceKey, error) {
	raw, err := openKey(k.aead(), wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	return newServiceKey(raw)
}
