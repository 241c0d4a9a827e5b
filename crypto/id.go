package crypto

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// An ID names one thing for ever: an organization, a service, a secret, a
// token or a key. IDs are random and never reused, so that what was bound to a
// deleted thing does not fit one created later under the same name. An ID is
// not secret.
type ID [16]byte

// NewID returns a fresh random ID.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: the program ends instead
	return id
}

// ParseID reads what [ID.String] writes: 32 lower-case hexadecimal digits and
// nothing else, so that an ID has one spelling.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) || !isLowerHex(s) {
		return ID{}, errID
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errID
	}
	return id, nil
}

func isLowerHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// String returns the 32 lower-case hexadecimal digits of id.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// UnmarshalBinary reads the 16 bytes of an ID. Decoders of records would fill it
// byte by byte, and with zeros if there are fewer.
func (id *ID) UnmarshalBinary(data []byte) error {
	if len(data) != len(id) {
		return errID
	}
	*id = ID(data)
	return nil
}

// IsZero reports whether id is the zero ID, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// A Digest is the SHA-256 of a value's ciphertext. Wraps of the version key
// are bound to it, which fixes the ciphertext for every reader.
type Digest [sha256.Size]byte

// DigestOf returns the digest of ciphertext.
func DigestOf(ciphertext []byte) Digest { return sha256.Sum256(ciphertext) }
