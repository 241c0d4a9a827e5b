package crypto_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func TestARotatedKeysetSealsUnderItsNewKeyAndOpensWhatTheOldOneMade(t *testing.T) {
	t.Parallel()
	old := must(crypto.NewKeyset())
	rotated := must(old.Rotated())
	if diff := cmp.Diff([]crypto.KeyID{old.Primary(), rotated.Primary()}, rotated.Keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	tag := must(old.Tag(tagBinding))
	if err := rotated.VerifyTag(tag, tagBinding); err != nil {
		t.Errorf("a tag of before: %v", err)
	}
	tag = must(rotated.Tag(tagBinding))
	wantNamed(t, tag, rotated.Primary())
	if err := old.VerifyTag(tag, tagBinding); err != crypto.ErrTampered {
		t.Errorf("the keyset that was rotated has changed: %v", err)
	}
}

func TestAKeysetWithoutAKeyOpensNothingThatWasMadeUnderIt(t *testing.T) {
	t.Parallel()
	old := must(crypto.NewKeyset())
	rotated := must(old.Rotated())
	alone := must(rotated.Without(old.Primary()))
	if diff := cmp.Diff([]crypto.KeyID{rotated.Primary()}, alone.Keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if err := alone.VerifyTag(must(old.Tag(tagBinding)), tagBinding); err != crypto.ErrTampered {
		t.Errorf("a tag of before: %v", err)
	}
	if err := alone.VerifyTag(must(rotated.Tag(tagBinding)), tagBinding); err != nil {
		t.Errorf("a tag of the key that stays: %v", err)
	}
	if err := rotated.VerifyTag(must(old.Tag(tagBinding)), tagBinding); err != nil {
		t.Errorf("the keyset that the key was taken from has changed: %v", err)
	}
}

func TestAKeysetKeepsItsPrimaryKeyAndAtLeastOne(t *testing.T) {
	t.Parallel()
	old := must(crypto.NewKeyset())
	rotated := must(old.Rotated())
	alone := must(rotated.Without(old.Primary()))
	for what, try := range map[string]func() (*crypto.Keyset, error){
		"the only key":               func() (*crypto.Keyset, error) { return old.Without(old.Primary()) },
		"the primary key":            func() (*crypto.Keyset, error) { return rotated.Without(rotated.Primary()) },
		"a key that is not there":    func() (*crypto.Keyset, error) { return old.Without(old.Primary() + 1) },
		"a key that is gone already": func() (*crypto.Keyset, error) { return alone.Without(old.Primary()) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s was taken away", what)
		}
	}
}

func TestAKeysetHasAtMostSixteenKeys(t *testing.T) {
	t.Parallel()
	keys := must(crypto.NewKeyset())
	for range 15 {
		keys = must(keys.Rotated())
	}
	if n := len(keys.Keys()); n != 16 {
		t.Fatalf("%d keys", n)
	}
	if _, err := keys.Rotated(); err == nil {
		t.Error("a seventeenth was added")
	}
	root := newRoot(t)
	wrapped := must(keys.Wrap(t.Context(), root, organizationBinding))
	opened := must(crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding))
	if opened.Primary() != keys.Primary() || !cmp.Equal(opened.Keys(), keys.Keys()) {
		t.Error("the keyset is another one once it was wrapped and unwrapped")
	}
}

func TestRewrapPutsEachKindOfKeyUnderThePrimaryOne(t *testing.T) {
	t.Parallel()
	old := must(crypto.NewKeyset())
	rotated := must(old.Rotated())
	service, token, version := must(crypto.NewServiceKey()), must(crypto.NewTokenKey()), must(crypto.NewVersionKey())
	other := versionBinding
	other.Version++
	for name, test := range map[string]struct {
		wrapped []byte
		binding crypto.KeyBinding
		opens   func(*crypto.Keyset, []byte) error
	}{
		"service key": {must(old.WrapServiceKey(service, serviceKeyBinding)), serviceKeyBinding, func(k *crypto.Keyset, w []byte) error {
			got, err := k.UnwrapServiceKey(w, serviceKeyBinding)
			if err == nil {
				_, err = got.UnwrapVersionKey(must(service.WrapVersionKey(version, grantBinding)), grantBinding)
			}
			return err
		}},
		"token key": {must(old.WrapTokenKey(token, tokenKeyBinding)), tokenKeyBinding, func(k *crypto.Keyset, w []byte) error {
			got, err := k.UnwrapTokenKey(w, tokenKeyBinding)
			if err == nil {
				_, err = got.UnwrapServiceKey(must(token.WrapServiceKey(service, tokenBinding)), tokenBinding)
			}
			return err
		}},
		"version key": {must(old.WrapVersionKey(version, versionBinding)), versionBinding, func(k *crypto.Keyset, w []byte) error {
			got, err := k.UnwrapVersionKey(w, versionBinding)
			if err == nil {
				_, err = got.Decrypt(must(version.Encrypt([]byte("v"), valueBinding)), valueBinding)
			}
			return err
		}},
	} {
		wantNamed(t, test.wrapped, old.Primary())
		rewrapped, err := rotated.Rewrap(test.wrapped, test.binding)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantNamed(t, rewrapped, rotated.Primary())
		if err := test.opens(must(rotated.Without(old.Primary())), rewrapped); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := rotated.Rewrap(test.wrapped, other); err != crypto.ErrTampered {
			t.Errorf("%s, another binding: %v", name, err)
		}
		if _, err := must(crypto.NewKeyset()).Rewrap(test.wrapped, test.binding); err != crypto.ErrTampered {
			t.Errorf("%s, another keyset: %v", name, err)
		}
	}
}

// The five bytes are Tink's own: see the TINK prefix in its documentation.
func TestTheKeyThatACiphertextNamesIsInItsFirstBytes(t *testing.T) {
	t.Parallel()
	keys := must(crypto.NewKeyset())
	tag := must(keys.Tag(tagBinding))
	if tag[0] != 1 || binary.BigEndian.Uint32(tag[1:]) != uint32(keys.Primary()) {
		t.Errorf("prefix % x, key %s", tag[:5], keys.Primary())
	}
	if got := crypto.KeyID(0xa1).String(); got != "000000a1" {
		t.Errorf("id %s", got)
	}
	for _, sealed := range [][]byte{nil, tag[:4], append([]byte{0}, tag[1:]...)} {
		if id, ok := crypto.NamedKey(sealed); ok {
			t.Errorf("% x names %s", sealed, id)
		}
	}
}

func TestAKeyIDHasOneSpelling(t *testing.T) {
	t.Parallel()
	for _, id := range []crypto.KeyID{0, 1, 0xa1b2c3d4, 1<<32 - 1} {
		if got, err := crypto.ParseKeyID(id.String()); err != nil || got != id {
			t.Errorf("%s: %s, %v", id, got, err)
		}
	}
	for _, s := range []string{"", "a1", "A1B2C3D4", "0xa1b2c3", "000a1b2c3d4", "+1b2c3d4", "a1b2c3d4 "} {
		if id, err := crypto.ParseKeyID(s); err == nil {
			t.Errorf("%q is taken for %s", s, id)
		}
	}
}

func wantNamed(t *testing.T, sealed []byte, want crypto.KeyID) {
	t.Helper()
	if id, ok := crypto.NamedKey(sealed); !ok || id != want {
		t.Errorf("it names key %s, want %s", id, want)
	}
}
