package crypto

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// What a root may answer with: far above any real keyset, and what a KMS makes of
// it.
const (
	maxSealed  = 64 << 10
	maxWrapped = 2 * maxSealed
)

// A Keyset is the keyset of one organization: it opens everything of the
// organization. It is safe for concurrent use, and prints as [redacted]. The
// zero value holds no key and must not be used.
//
// It is a Tink keyset of XAES-256-GCM keys, whose ciphertexts begin with five
// bytes that name the key (the TINK prefix, see [KeyID]), so that it can hold
// an old key beside a new one. Tink keeps copies of the keys as long as the Keyset lives
// and leaves some to the garbage collector.
type Keyset struct {
	redacted
	handle  concealed[*keyset.Handle]
	aead    concealed[tink.AEAD]
	ids     []KeyID
	primary KeyID
}

// NewKeyset returns a keyset with one fresh random key.
func NewKeyset() (*Keyset, error) {
	handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, err
	}
	return newKeyset(handle)
}

func newKeyset(handle *keyset.Handle) (*Keyset, error) {
	a, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	ids, primary, err := keyIDs(handle)
	if err != nil {
		return nil, err
	}
	return &Keyset{handle: conceal(handle), aead: conceal(a), ids: ids, primary: primary}, nil
}

// UnwrapKeyset asks root to open what [Keyset.Wrap] made for the same binding.
//
// It fails with [ErrWrongRoot] whenever root answers with anything but that,
// with [ErrRootUnavailable] if root could not be asked, and with the error of
// ctx, as it is, if that ended. No cause is attached to any of them.
func UnwrapKeyset(ctx context.Context, root Root, wrapped []byte, b OrganizationBinding) (*Keyset, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sealed, err := unwrapSealed(ctx, root, wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	defer clear(sealed)
	return parseKeyset(sealed[sha256.Size:])
}

func parseKeyset(serialized []byte) (k *Keyset, err error) {
	erasing(func() { k, err = readKeyset(serialized) })
	if err != nil {
		return nil, ErrWrongRoot // alone: the parser may quote what it read
	}
	return k, nil
}

func readKeyset(serialized []byte) (*Keyset, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(serialized)))
	if err != nil {
		return nil, err
	}
	if !isOrganizationKeyset(handle) {
		return nil, ErrWrongRoot
	}
	return newKeyset(handle)
}

// isOrganizationKeyset reports whether every key, also a disabled one, is of
// the one type that [NewKeyset] makes. Anything else was smuggled in: a weaker
// cipher, a public key, a key that is a reference to a KMS.
func isOrganizationKeyset(handle *keyset.Handle) bool {
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return false
		}
		key, ok := entry.Key().(*xaesgcm.Key)
		if !ok {
			return false
		}
		params, ok := key.Parameters().(*xaesgcm.Parameters)
		if !ok || params.Variant() != xaesgcm.VariantTink || params.SaltSizeInBytes() != xaesSaltSize {
			return false
		}
	}
	return true
}

// Wrap asks root to wrap the keyset. What is wrapped is
//
//	SHA-256 of the associated data (32 bytes) | Tink keyset, binary protobuf
//
// so that the binding holds for a root that ignores associated data, too. It
// fails with [ErrRootUnavailable] if root cannot or will not wrap, with
// [ErrWrongRoot] if it is nil, and with the error of ctx, as it is, if that
// ended. When the root is replaced, unwrap the result before the old wrap is
// overwritten: it is the only copy.
func (k *Keyset) Wrap(ctx context.Context, root Root, b OrganizationBinding) ([]byte, error) {
	associatedData := b.associatedData()
	if associatedData == nil {
		return nil, errBinding
	}
	if root == nil {
		return nil, ErrWrongRoot
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sealed, err := k.sealed(associatedData)
	if err != nil {
		return nil, err
	}
	defer clear(sealed)
	wrapped, err := root.Wrap(ctx, sealed, associatedData)
	if err != nil || len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return nil, wrapError(ctx, err)
	}
	return wrapped, nil
}

// sealed returns the plaintext that a root wraps. The buffer grows before it
// holds a key, so this is our only copy; Tink leaves one more.
func (k *Keyset) sealed(associatedData []byte) ([]byte, error) {
	digest := sha256.Sum256(associatedData)
	var buf bytes.Buffer
	buf.Write(digest[:])
	if err := insecurecleartextkeyset.Write(k.handle(), keyset.NewBinaryWriter(&buf)); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// WrapServiceKey wraps s for the organization. It takes 77 bytes.
func (k *Keyset) WrapServiceKey(s *ServiceKey, b ServiceKeyBinding) ([]byte, error) {
	return seal(k.aead(), s.raw(), b.associatedData())
}

// UnwrapServiceKey opens what [Keyset.WrapServiceKey] made for the same
// binding, or fails with [ErrTampered].
func (k *Keyset) UnwrapServiceKey(wrapped []byte, b ServiceKeyBinding) (*ServiceKey, error) {
	raw, err := openKey(k.aead(), wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	return newServiceKey(raw)
}

// WrapTokenKey wraps t for the organization. It takes 77 bytes.
func (k *Keyset) WrapTokenKey(t *TokenKey, b TokenKeyBinding) ([]byte, error) {
	return seal(k.aead(), t.raw(), b.associatedData())
}

// UnwrapTokenKey opens what [Keyset.WrapTokenKey] made for the same binding,
// or fails with [ErrTampered].
func (k *Keyset) UnwrapTokenKey(wrapped []byte, b TokenKeyBinding) (*TokenKey, error) {
	raw, err := openKey(k.aead(), wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	return newTokenKey(raw)
}

// WrapVersionKey wraps v for the organization. It takes 77 bytes.
func (k *Keyset) WrapVersionKey(v *VersionKey, b VersionBinding) ([]byte, error) {
	return seal(k.aead(), v.raw(), b.associatedData())
}

// UnwrapVersionKey opens what [Keyset.WrapVersionKey] made for the same
// binding, or fails with [ErrTampered].
func (k *Keyset) UnwrapVersionKey(wrapped []byte, b VersionBinding) (*VersionKey, error) {
	raw, err := openKey(k.aead(), wrapped, b.associatedData())
	if err != nil {
		return nil, err
	}
	return newVersionKey(raw), nil
}

// Tag authenticates a record: it encrypts nothing under b. It takes 45 bytes.
func (k *Keyset) Tag(b TagBinding) ([]byte, error) {
	return seal(k.aead(), nil, b.associatedData())
}

// VerifyTag fails with [ErrTampered] unless [Keyset.Tag] made tag for the same
// binding. A tag authenticates, it does not date: an older record with its own
// tag verifies.
func (k *Keyset) VerifyTag(tag []byte, b TagBinding) error {
	plaintext, err := open(k.aead(), tag, b.associatedData())
	if err != nil {
		return err
	}
	if len(plaintext) != 0 {
		clear(plaintext)
		return ErrTampered
	}
	return nil
}
