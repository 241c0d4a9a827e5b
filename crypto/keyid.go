package crypto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// A KeyID names a key of a [Keyset]. It is not secret: each ciphertext begins
// with the id of the key it was made under. An id names one key as long as that
// is in the keyset; one drawn later may be the same, once in four thousand
// million times.
type KeyID uint32

// String returns eight lower-case hexadecimal digits.
func (id KeyID) String() string { return fmt.Sprintf("%08x", uint32(id)) }

// ParseKeyID reads what [KeyID.String] writes: eight lower-case hexadecimal
// digits and nothing else, so that an id has one spelling.
func ParseKeyID(s string) (KeyID, error) {
	const digits = 8
	if len(s) != digits || !isLowerHex(s) {
		return 0, errKeyID
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0, errKeyID
	}
	return KeyID(n), nil
}

// maxKeys bounds a keyset. A rotation needs two.
const maxKeys = 16

var (
	errTooManyKeys = errors.New("crypto: a keyset has at most 16 keys: retire one first")
	errKeyID       = errors.New("crypto: a key id has 8 lower-case hexadecimal digits")
	errNotRetired  = errors.New("crypto: the key is the primary one, or not in the keyset")
)

// Primary returns the id of the key that the keyset seals and wraps with.
func (k *Keyset) Primary() KeyID { return k.primary }

// Keys returns the ids of all keys, in the order in which they were added.
func (k *Keyset) Keys() []KeyID { return slices.Clone(k.ids) }

// keyIDs returns the ids of a keyset's keys, and that of the primary one.
func keyIDs(handle *keyset.Handle) (ids []KeyID, primary KeyID, err error) {
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, 0, err
		}
		id := KeyID(entry.KeyID())
		if entry.IsPrimary() {
			primary = id
		}
		ids = append(ids, id)
	}
	return ids, primary, nil
}

// Rotated returns a keyset that seals and wraps with a fresh random key and
// still opens everything that k opens. k stays as it is. A keyset has at most 16
// keys.
func (k *Keyset) Rotated() (*Keyset, error) {
	if len(k.ids) >= maxKeys {
		return nil, errTooManyKeys
	}
	manager := keyset.NewManagerFromHandle(k.handle())
	id, err := manager.Add(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	return managedKeyset(manager)
}

// Without returns a keyset that lacks a key, which must be in it and not be the
// primary one: it opens nothing that was made under that. k stays as it is.
func (k *Keyset) Without(id KeyID) (*Keyset, error) {
	manager := keyset.NewManagerFromHandle(k.handle())
	if err := manager.Delete(uint32(id)); err != nil {
		return nil, errNotRetired
	}
	return managedKeyset(manager)
}

func managedKeyset(manager *keyset.Manager) (*Keyset, error) {
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return newKeyset(handle)
}

// tinkStart is the first byte of Tink's prefix; the key's id follows, big-endian.
const tinkStart = 1

// NamedKey returns the id of the key that a wrap or a tag says it was made
// under, in its first five bytes. That is no proof: whether there is such a key,
// and opens it, is another question. ok is false if it is too short to say.
func NamedKey(sealed []byte) (id KeyID, ok bool) {
	if len(sealed) < 5 || sealed[0] != tinkStart {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:])), true
}

// A KeyBinding binds a key that is wrapped for the organization: it is a
// [ServiceKeyBinding], a [TokenKeyBinding] or a [VersionBinding].
type KeyBinding interface {
	associatedData() []byte
	bindsKey()
}

func (ServiceKeyBinding) bindsKey() {}
func (TokenKeyBinding) bindsKey()   {}
func (VersionBinding) bindsKey()    {}

// Rewrap wraps under the primary key what the keyset wrapped before, for the
// same binding. It fails with [ErrTampered] if that does not open.
func (k *Keyset) Rewrap(wrapped []byte, b KeyBinding) ([]byte, error) {
	associatedData := b.associatedData()
	raw, err := openKey(k.aead(), wrapped, associatedData)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return seal(k.aead(), raw, associatedData)
}
