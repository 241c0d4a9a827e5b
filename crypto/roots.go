package crypto

import (
	"context"
	"slices"
)

// Roots returns a root for when one is replaced: it wraps with primary and
// unwraps with whichever opens, in the order given. New organizations are
// wrapped with primary. Keep the old roots until every organization has been
// wrapped anew, which the engine's RotateRoot does and its RootUsage confirms:
// an organization whose root is gone is lost.
//
// It is for keysets only: an answer counts as opened only if [Keyset.Wrap]
// sealed it for the same associated data, so that a root that answers with
// something else does not hide the right one behind it. If none opens, and one
// could not be asked, the error is [ErrRootUnavailable], otherwise
// [ErrWrongRoot]. A nil root opens nothing.
func Roots(primary Root, old ...Root) Root {
	return &rootList{all: conceal(slices.Concat([]Root{primary}, old))}
}

type rootList struct {
	redacted
	all concealed[[]Root] // the first wraps
}

var _ Root = (*rootList)(nil)

func (r *rootList) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	primary := r.all()[0]
	if primary == nil {
		return nil, ErrWrongRoot
	}
	return primary.Wrap(ctx, plaintext, associatedData)
}

func (r *rootList) Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	failure := ErrWrongRoot
	for _, root := range r.all() {
		sealed, err := unwrapSealed(ctx, root, ciphertext, associatedData)
		if err == nil {
			return sealed, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == ErrRootUnavailable {
			failure = err
		}
	}
	return nil, failure
}

// PrimaryRoot returns the root that root wraps with: the first of [Roots], also
// if that is such a list itself, and any other root as it is. It cannot look
// into a type of the caller's own.
func PrimaryRoot(root Root) Root {
	for {
		list, ok := root.(*rootList)
		if !ok {
			return root
		}
		root = list.all()[0]
	}
}
