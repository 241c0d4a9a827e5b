package crypto_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// A sample is one ciphertext of one kind and how it is opened.
type sample struct {
	kind       string
	ciphertext []byte
	open       func(ciphertext []byte) error            // under its own binding
	variants   map[string]func(ciphertext []byte) error // under others, of the same kind
	failure    error                                    // the one that every failure is
}

func newSample[B any](kind string, ciphertext []byte, b B, open func([]byte, B) error) sample {
	s := sample{
		kind:       kind,
		ciphertext: ciphertext,
		open:       func(c []byte) error { return open(c, b) },
		variants:   map[string]func([]byte) error{},
		failure:    crypto.ErrTampered,
	}
	for _, v := range variants(b) {
		if !cmp.Equal(v.binding, b) {
			s.variants[v.name] = func(c []byte) error { return open(c, v.binding) }
		}
	}
	return s
}

// opener drops what was opened.
func opener[B, T any](open func([]byte, B) (T, error)) func([]byte, B) error {
	return func(ciphertext []byte, b B) error {
		_, err := open(ciphertext, b)
		return err
	}
}

func samples(t *testing.T) []sample {
	t.Helper()
	root := newRoot(t)
	keys := must(crypto.NewKeyset())
	service := must(crypto.NewServiceKey())
	token := must(crypto.NewTokenKey())
	version := must(crypto.NewVersionKey())

	organization := newSample("1 organization", must(keys.Wrap(t.Context(), root, organizationBinding)), organizationBinding,
		func(c []byte, b crypto.OrganizationBinding) error {
			_, err := crypto.UnwrapKeyset(t.Context(), root, c, b)
			return err
		})
	organization.failure = crypto.ErrWrongRoot
	return []sample{
		organization,
		newSample("2 service key", must(keys.WrapServiceKey(service, serviceKeyBinding)), serviceKeyBinding, opener(keys.UnwrapServiceKey)),
		newSample("3 token key", must(keys.WrapTokenKey(token, tokenKeyBinding)), tokenKeyBinding, opener(keys.UnwrapTokenKey)),
		newSample("4 token", must(token.WrapServiceKey(service, tokenBinding)), tokenBinding, opener(token.UnwrapServiceKey)),
		newSample("5 value", must(version.Encrypt([]byte("hunter2"), valueBinding)), valueBinding, opener(version.Decrypt)),
		newSample("6 version", must(keys.WrapVersionKey(version, versionBinding)), versionBinding, opener(keys.UnwrapVersionKey)),
		newSample("7 grant", must(service.WrapVersionKey(version, grantBinding)), grantBinding, opener(service.UnwrapVersionKey)),
		newSample("9 cache", must(service.SealCache([]byte("records"), cacheBinding)), cacheBinding, opener(service.OpenCache)),
		newSample("8 tag", must(keys.Tag(tagBinding)), tagBinding, keys.VerifyTag),
	}
}

func TestEveryBitOfACiphertextIsAuthenticated(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		for i := range len(s.ciphertext) * 8 {
			changed := bytes.Clone(s.ciphertext)
			changed[i/8] ^= 1 << (i % 8)
			if err := s.open(changed); err != s.failure {
				t.Errorf("%s: bit %d of byte %d flipped: %v", s.kind, i%8, i/8, err)
			}
		}
		if err := s.open(s.ciphertext); err != nil {
			t.Errorf("%s: unchanged: %v", s.kind, err)
		}
	}
}

func TestNoOtherLengthOfACiphertextOpens(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		for n := range len(s.ciphertext) {
			if err := s.open(s.ciphertext[:n]); err != s.failure {
				t.Errorf("%s: first %d bytes: %v", s.kind, n, err)
			}
			if err := s.open(s.ciphertext[n+1:]); err != s.failure {
				t.Errorf("%s: without the first %d bytes: %v", s.kind, n+1, err)
			}
		}
		for _, more := range [][]byte{{0}, {0xff}, make([]byte, 16), s.ciphertext} {
			if err := s.open(slices.Concat(s.ciphertext, more)); err != s.failure {
				t.Errorf("%s: followed by %d bytes: %v", s.kind, len(more), err)
			}
			if err := s.open(slices.Concat(more, s.ciphertext)); err != s.failure {
				t.Errorf("%s: after %d bytes: %v", s.kind, len(more), err)
			}
		}
		if err := s.open(nil); err != s.failure {
			t.Errorf("%s: nil: %v", s.kind, err)
		}
	}
}

func TestEveryFieldOfABindingIsAuthenticated(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		if len(s.variants) < 8 {
			t.Errorf("%s: only %d variants", s.kind, len(s.variants))
		}
		for change, open := range s.variants {
			if err := open(s.ciphertext); err != s.failure {
				t.Errorf("%s: %s: %v", s.kind, change, err)
			}
		}
	}
}

func TestOneKindDoesNotOpenAsAnother(t *testing.T) {
	t.Parallel()
	all := samples(t)
	for _, from := range all {
		for _, to := range all {
			if from.kind == to.kind {
				continue
			}
			if err := to.open(from.ciphertext); err != to.failure {
				t.Errorf("%s opened as %s: %v", from.kind, to.kind, err)
			}
		}
	}
}

func TestAKeyOfAnotherReaderOpensNothing(t *testing.T) {
	t.Parallel()
	first, second := samples(t), samples(t)
	for i := range first {
		if err := second[i].open(first[i].ciphertext); err != second[i].failure {
			t.Errorf("%s: %v", first[i].kind, err)
		}
	}
}

func TestEncryptingTwiceGivesTwoCiphertexts(t *testing.T) {
	t.Parallel()
	service, version := must(crypto.NewServiceKey()), must(crypto.NewVersionKey())
	first := must(service.WrapVersionKey(version, grantBinding))
	if second := must(service.WrapVersionKey(version, grantBinding)); bytes.Equal(first, second) {
		t.Error("two wraps are equal")
	}
	keys := must(crypto.NewKeyset())
	if bytes.Equal(must(keys.Tag(tagBinding)), must(keys.Tag(tagBinding))) {
		t.Error("two tags are equal")
	}
}

func TestWhatIsGivenIsNotChanged(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		given := bytes.Clone(s.ciphertext)
		if err := s.open(given); err != nil {
			t.Errorf("%s: %v", s.kind, err)
		}
		if !bytes.Equal(given, s.ciphertext) {
			t.Errorf("%s: opening changed the ciphertext", s.kind)
		}
	}
	plaintext := []byte("hunter2")
	must(must(crypto.NewVersionKey()).Encrypt(plaintext, valueBinding))
	if string(plaintext) != "hunter2" {
		t.Error("encrypting changed the plaintext")
	}
}

func TestKeysPassThroughTheWholeHierarchy(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	keys := must(crypto.NewKeyset())
	service, token, version := must(crypto.NewServiceKey()), must(crypto.NewTokenKey()), must(crypto.NewVersionKey())
	ciphertext := must(version.Encrypt([]byte("hunter2"), valueBinding))

	opened := must(crypto.UnwrapKeyset(t.Context(), root, must(keys.Wrap(t.Context(), root, organizationBinding)), organizationBinding))
	viaOrganization := must(opened.UnwrapServiceKey(must(keys.WrapServiceKey(service, serviceKeyBinding)), serviceKeyBinding))
	tokenAgain := must(crypto.TokenKeyFromBytes(must(opened.UnwrapTokenKey(must(keys.WrapTokenKey(token, tokenKeyBinding)), tokenKeyBinding)).Bytes()))
	viaToken := must(tokenAgain.UnwrapServiceKey(must(token.WrapServiceKey(service, tokenBinding)), tokenBinding))
	grant := must(viaOrganization.WrapVersionKey(version, grantBinding))

	readers := map[string]*crypto.VersionKey{
		"organization": must(opened.UnwrapVersionKey(must(keys.WrapVersionKey(version, versionBinding)), versionBinding)),
		"service":      must(viaToken.UnwrapVersionKey(grant, grantBinding)),
	}
	for name, key := range readers {
		if got := must(key.Decrypt(ciphertext, valueBinding)); string(got) != "hunter2" {
			t.Errorf("%s reads %d other bytes", name, len(got))
		}
	}
}

func TestSizesAreAsDocumented(t *testing.T) {
	t.Parallel()
	want := map[string]int{"2 service key": 77, "3 token key": 77, "4 token": 72, "5 value": 7 + 28, "6 version": 77, "7 grant": 72, "8 tag": 45, "9 cache": 7 + 40}
	for _, s := range samples(t)[1:] {
		if len(s.ciphertext) != want[s.kind] {
			t.Errorf("%s takes %d bytes, want %d", s.kind, len(s.ciphertext), want[s.kind])
		}
	}
}
