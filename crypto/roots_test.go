package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func TestRootsUnwrapWithWhicheverOpens(t *testing.T) {
	t.Parallel()
	older, old, current := newRoot(t), newRoot(t), newRoot(t)
	roots := crypto.Roots(current, old, older)
	keys := must(crypto.NewKeyset())
	for name, root := range map[string]crypto.Root{"older": older, "old": old, "current": current, "all": roots} {
		wrapped := must(keys.Wrap(t.Context(), root, organizationBinding))
		if _, err := crypto.UnwrapKeyset(t.Context(), roots, wrapped, organizationBinding); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrapped := must(keys.Wrap(t.Context(), newRoot(t), organizationBinding))
	if _, err := crypto.UnwrapKeyset(t.Context(), roots, wrapped, organizationBinding); err != crypto.ErrWrongRoot {
		t.Errorf("a root that is not among them: %v", err)
	}
}

func TestRootsWrapWithThePrimary(t *testing.T) {
	t.Parallel()
	old, current := newRoot(t), newRoot(t)
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), crypto.Roots(current, old), organizationBinding))
	if _, err := crypto.UnwrapKeyset(t.Context(), current, wrapped, organizationBinding); err != nil {
		t.Errorf("the primary: %v", err)
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), old, wrapped, organizationBinding); err != crypto.ErrWrongRoot {
		t.Errorf("the old one: %v", err)
	}
}

// passing passes on what another root does, as one that counts or logs.
type passing struct{ crypto.Root }

func TestARootThatAnswersNonsenseDoesNotHideTheRightOne(t *testing.T) {
	t.Parallel()
	right := &recordingRoot{Root: newRoot(t)}
	other := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "rival"}
	must(must(crypto.NewKeyset()).Wrap(t.Context(), right, other))
	theirs := right.wrapped
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), right, organizationBinding))

	before := []crypto.Root{
		nil,
		answer(nil, nil),
		answer([]byte("garbage"), nil),
		answer(theirs, nil),
		answer(nil, errors.New("no")),
		answer(nil, crypto.ErrRootUnavailable),
		newRoot(t),
	}
	roots := map[string]crypto.Root{
		"in a list":           crypto.Roots(before[0], append(before[1:], right)...),
		"nested":              crypto.Roots(crypto.Roots(before[2], before[3]), crypto.Roots(before[1], right)),
		"behind another type": passing{crypto.Roots(before[2], before[3], right)},
	}
	for name, root := range roots {
		if _, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRootsReportAnOutageOnlyIfNoneOpens(t *testing.T) {
	t.Parallel()
	down := answer(nil, crypto.ErrRootUnavailable)
	right := newRoot(t)
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), right, organizationBinding))
	tests := map[string]struct {
		root crypto.Root
		want error
	}{
		"down, then right":         {crypto.Roots(down, right), nil},
		"right, then down":         {crypto.Roots(right, down), nil},
		"down, then wrong":         {crypto.Roots(down, newRoot(t)), crypto.ErrRootUnavailable},
		"wrong, then down":         {crypto.Roots(newRoot(t), down), crypto.ErrRootUnavailable},
		"wrong, then wrong":        {crypto.Roots(newRoot(t), newRoot(t)), crypto.ErrWrongRoot},
		"nil alone":                {crypto.Roots(nil), crypto.ErrWrongRoot},
		"down in a list of a list": {crypto.Roots(crypto.Roots(down), newRoot(t)), crypto.ErrRootUnavailable},
	}
	for name, test := range tests {
		if _, err := crypto.UnwrapKeyset(t.Context(), test.root, wrapped, organizationBinding); err != test.want {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestRootsAskNoFurtherOnceTheContextEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancels := fakeRoot(func(context.Context, []byte, []byte) ([]byte, error) {
		cancel()
		return nil, errors.New("no")
	})
	never := fakeRoot(func(context.Context, []byte, []byte) ([]byte, error) {
		t.Error("asked after the context ended")
		return nil, nil
	})
	_, err := crypto.UnwrapKeyset(ctx, crypto.Roots(cancels, never), []byte("wrap"), organizationBinding)
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestRootsKeepTheirOwnList(t *testing.T) {
	t.Parallel()
	old := newRoot(t)
	list := []crypto.Root{old}
	roots := crypto.Roots(newRoot(t), list...)
	list[0] = nil
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), old, organizationBinding))
	if _, err := crypto.UnwrapKeyset(t.Context(), roots, wrapped, organizationBinding); err != nil {
		t.Errorf("the caller's slice is shared: %v", err)
	}
}

func TestARotatedKeysetOpensWhatTheOldOneSealed(t *testing.T) {
	t.Parallel()
	manager := keyset.NewManager()
	oldID := must(manager.Add(aead.XAES256GCM192BitNonceKeyTemplate()))
	if err := manager.SetPrimary(oldID); err != nil {
		t.Fatal(err)
	}
	old := must(unwrapHandle(t, must(manager.Handle())))
	newID := must(manager.Add(aead.XAES256GCM192BitNonceKeyTemplate()))
	if err := manager.SetPrimary(newID); err != nil {
		t.Fatal(err)
	}
	rotated := must(unwrapHandle(t, must(manager.Handle())))

	before := must(old.Tag(tagBinding))
	if err := rotated.VerifyTag(before, tagBinding); err != nil {
		t.Errorf("rotated keyset, old tag: %v", err)
	}
	after := must(rotated.Tag(tagBinding))
	if err := rotated.VerifyTag(after, tagBinding); err != nil {
		t.Errorf("rotated keyset, its own tag: %v", err)
	}
	if bytes.Equal(before[:5], after[:5]) {
		t.Error("the rotated keyset seals with the old key")
	}
	if err := old.VerifyTag(after, tagBinding); err != crypto.ErrTampered {
		t.Errorf("old keyset, new tag: %v", err)
	}
}

// Tink tells keys of a keyset apart by the prefix; a ciphertext that names
// another key of the same keyset does not open.
func TestCVE20208929ThePrefixIsNotMalleable(t *testing.T) {
	t.Parallel()
	keys := must(unwrapHandle(t, beside(t, aead.XAES256GCM192BitNonceKeyTemplate(), false)))
	tag := must(keys.Tag(tagBinding))
	for i := range 5 * 8 {
		changed := bytes.Clone(tag)
		changed[i/8] ^= 1 << (i % 8)
		if err := keys.VerifyTag(changed, tagBinding); err != crypto.ErrTampered {
			t.Errorf("bit %d: %v", i, err)
		}
	}
}

func TestThePrimaryRootIsTheFirstOfEveryList(t *testing.T) {
	t.Parallel()
	first, second := newRoot(t), newRoot(t)
	for name, root := range map[string]crypto.Root{
		"alone": first, "a list": crypto.Roots(first, second), "a list of lists": crypto.Roots(crypto.Roots(first, second), second),
	} {
		if crypto.PrimaryRoot(root) != first {
			t.Errorf("%s: another root", name)
		}
	}
	for name, root := range map[string]crypto.Root{"no root": nil, "a list of none": crypto.Roots(nil, first)} {
		if crypto.PrimaryRoot(root) != nil {
			t.Errorf("%s: a root", name)
		}
	}
}
