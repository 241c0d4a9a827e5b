package crypto

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A Root wraps the keysets of organizations: a key in a KMS, or a key file.
// Whoever may unwrap with it reads every organization under it; whoever may
// wrap with it can put an organization of his own in the place of one. It must
// be an authenticated symmetric cipher: a public key would let anybody do the
// latter, and is not a root.
//
// A Root is safe for concurrent use. It neither keeps nor changes what it is
// given, and the slice that it returns is the caller's, who clears it. Unwrap
// fails if ciphertext was not made by Wrap of this root for the same
// associated data; one that ignores associated data is safe too, since
// [Keyset.Wrap] seals its digest inside.
//
// Both end when ctx does. An error of Unwrap means that this root does not
// open the ciphertext, except for [ErrRootUnavailable], wrapped or bare, and
// errors of the network or the operating system, which mean that it could not
// be asked. Callers of this package never see the text of either, as it may
// quote the request: a Root that wants it known logs it.
type Root interface {
	Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error)
}

// FromTink returns the root that is a Tink AEAD: that of a keyset, or of a KMS
// client. A nil AEAD gives a nil Root, which opens nothing.
//
// A [tink.AEAD] cannot be interrupted: the context is looked at before each
// call, and a call that hangs, hangs. Take [FromTinkWithContext] where there is
// a choice.
func FromTink(a tink.AEAD) Root {
	if a == nil {
		return nil
	}
	return FromTinkWithContext(withoutContext{a})
}

// FromTinkWithContext returns the root that is a Tink AEAD with context, as
// KMS clients have. It passes the context on. A nil AEAD gives a nil Root,
// which opens nothing.
//
// If it fails to unwrap with an error of a context, the network or the
// operating system, that is [ErrRootUnavailable]. Whatever else it says is
// [ErrWrongRoot]: a Tink AEAD has no way to tell a wrong key from a right that
// is missing, or from an outage that a KMS reports in a type of its own. A
// program that knows these types puts a Root around this one, which returns
// ErrRootUnavailable for them, and logs what its KMS allows to be logged.
func FromTinkWithContext(a tink.AEADWithContext) Root {
	if a == nil {
		return nil
	}
	return &tinkRoot{aead: conceal(a)}
}

type withoutContext struct{ aead tink.AEAD }

func (w withoutContext) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.aead.Encrypt(plaintext, associatedData)
}

func (w withoutContext) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.aead.Decrypt(ciphertext, associatedData)
}

type tinkRoot struct {
	redacted
	aead concealed[tink.AEADWithContext]
}

var _ Root = (*tinkRoot)(nil)

func (r *tinkRoot) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return r.aead().EncryptWithContext(ctx, plaintext, associatedData)
}

func (r *tinkRoot) Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return r.aead().DecryptWithContext(ctx, ciphertext, associatedData)
}

// unwrapSealed asks one root, and takes its answer only if it begins with the
// digest of associatedData, as everything does that [Keyset.Wrap] wraps.
func unwrapSealed(ctx context.Context, root Root, wrapped, associatedData []byte) ([]byte, error) {
	if root == nil || associatedData == nil {
		return nil, ErrWrongRoot
	}
	digest := sha256.Sum256(associatedData)
	sealed, err := root.Unwrap(ctx, wrapped, associatedData)
	if err != nil {
		return nil, unwrapError(ctx, err)
	}
	if len(sealed) > maxSealed || !hasDigest(sealed, digest) {
		clear(sealed)
		return nil, ErrWrongRoot
	}
	return sealed, nil
}

func hasDigest(sealed []byte, digest [sha256.Size]byte) bool {
	return len(sealed) > sha256.Size &&
		subtle.ConstantTimeCompare(sealed[:sha256.Size], digest[:]) == 1
}
