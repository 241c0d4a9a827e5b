package crypto

// A VersionKey encrypts the value of one version of one secret: one key, one
// message. Every attempt to write a version takes a fresh one. It is safe for
// concurrent use, and prints as [redacted]. The zero value holds no key and
// must not be used.
type VersionKey struct {
	redacted
	raw concealed[[]byte]
}

// NewVersionKey returns a fresh random key.
func NewVersionKey() (*VersionKey, error) { return newVersionKey(newKeyBytes()), nil }

// newVersionKey takes raw over. The cipher is built when it is used: many
// version keys are only passed from one wrap to another.
func newVersionKey(raw []byte) *VersionKey { return &VersionKey{raw: conceal(raw)} }

// Encrypt encrypts a value, which it does not keep. The ciphertext is 28 bytes
// longer. [DigestOf] it goes into the binding of every wrap of this key.
func (k *VersionKey) Encrypt(plaintext []byte, b ValueBinding) ([]byte, error) {
	a, err := newGCM(k.raw())
	if err != nil {
		return nil, err
	}
	return seal(a, plaintext, b.associatedData())
}

// Decrypt opens what [VersionKey.Encrypt] made for the same binding, or fails
// with [ErrTampered]. The caller owns the plaintext and clears it. The binding
// does not hold against somebody who has this key; see [ValueBinding].
func (k *VersionKey) Decrypt(ciphertext []byte, b ValueBinding) ([]byte, error) {
	a, err := newGCM(k.raw())
	if err != nil {
		return nil, err
	}
	return open(a, ciphertext, b.associatedData())
}
