package crypto

import "github.com/tink-crypto/tink-go/v2/tink"

// A ServiceKey opens what was granted to one service, and nothing else. The
// organization and the service's tokens hold it. It is safe for concurrent
// use, and prints as [redacted]. The zero value holds no key and must not be
// used.
type ServiceKey struct {
	redacted
	raw  concealed[[]byte]
	aead concealed[tink.AEAD]
}

// NewServiceKey returns a fresh random key.
func NewServiceKey() (*ServiceKey, error) { return newServiceKey(newKeyBytes()) }

// newServiceKey takes raw over.
func newServiceKey(raw []byte) (*ServiceKey, error) {
	a, err := newXAES(raw)
	if err != nil {
		return nil, err
	}
	return &ServiceKey{raw: conceal(raw), aead: conceal(a)}, nil
}

// WrapVersionKey wraps v for the service: this is a grant. It takes 72 bytes.
func (k *ServiceKey) WrapVersionKey(v *VersionKey, b GrantBinding) ([]byte, error) {
	return seal(k.aead(), v.raw(), b.associatedData())
}

// UnwrapVersionKey opens what [ServiceKey.WrapVersionKey] made for the same
// binding, or fails with [ErrTampered].
func (k *ServiceKey) UnwrapVersionKey(wrapped []byte, b GrantBinding) (*VersionKey, error) {
	raw, err := openKey(k.aead(), wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	return newVersionKey(raw), nil
}

// SealCache encrypts an app's cache.
func (k *ServiceKey) SealCache(plaintext []byte, b CacheBinding) ([]byte, error) {
	return seal(k.aead(), plaintext, b.associatedData())
}

// OpenCache opens what [ServiceKey.SealCache] made for the same binding, or
// fails with [ErrTampered].
func (k *ServiceKey) OpenCache(sealed []byte, b CacheBinding) ([]byte, error) {
	return open(k.aead(), sealed, b.associatedData())
}
