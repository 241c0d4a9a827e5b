package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/signature"
	"github.com/tink-crypto/tink-go/v2/tink"

	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func newRoot(t testing.TB) crypto.Root {
	t.Helper()
	return crypto.FromTink(must(aead.New(must(keyset.NewHandle(aead.AES256GCMKeyTemplate())))))
}

// A fakeRoot answers an unwrap as the test says.
type fakeRoot func(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error)

func (f fakeRoot) Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return f(ctx, ciphertext, associatedData)
}

func (f fakeRoot) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return f(ctx, plaintext, associatedData)
}

func answer(plaintext []byte, err error) fakeRoot {
	return func(context.Context, []byte, []byte) ([]byte, error) { return bytes.Clone(plaintext), err }
}

// A carelessRoot ignores associated data.
type carelessRoot struct{ crypto.Root }

func (r carelessRoot) Wrap(ctx context.Context, plaintext, _ []byte) ([]byte, error) {
	return r.Root.Wrap(ctx, plaintext, nil)
}

func (r carelessRoot) Unwrap(ctx context.Context, ciphertext, _ []byte) ([]byte, error) {
	return r.Root.Unwrap(ctx, ciphertext, nil)
}

// A recordingRoot copies the plaintexts that pass through it, and keeps the
// slices themselves.
type recordingRoot struct {
	crypto.Root
	wrapped         []byte // a copy
	given, returned []byte // the slices
}

func (r *recordingRoot) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	r.wrapped, r.given = bytes.Clone(plaintext), plaintext
	return r.Root.Wrap(ctx, plaintext, associatedData)
}

func (r *recordingRoot) Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	plaintext, err := r.Root.Unwrap(ctx, ciphertext, associatedData)
	r.returned = plaintext
	return plaintext, err
}

func TestARootThatIgnoresAssociatedDataIsSafe(t *testing.T) {
	t.Parallel()
	root := carelessRoot{newRoot(t)}
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding))
	if _, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding); err != nil {
		t.Fatal(err)
	}
	for _, v := range variants(organizationBinding) {
		if v.binding == organizationBinding {
			continue
		}
		if _, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, v.binding); err != crypto.ErrWrongRoot {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

func TestTwoOrganizationsCannotBeSwapped(t *testing.T) {
	t.Parallel()
	other := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "rival", Serial: 7}
	for name, root := range map[string]crypto.Root{"sound": newRoot(t), "careless": carelessRoot{newRoot(t)}} {
		ours := must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding))
		theirs := must(must(crypto.NewKeyset()).Wrap(t.Context(), root, other))
		if _, err := crypto.UnwrapKeyset(t.Context(), root, theirs, organizationBinding); err != crypto.ErrWrongRoot {
			t.Errorf("%s root, their keyset as ours: %v", name, err)
		}
		if _, err := crypto.UnwrapKeyset(t.Context(), root, ours, other); err != crypto.ErrWrongRoot {
			t.Errorf("%s root, our keyset as theirs: %v", name, err)
		}
	}
}

func TestAnImpostorRootIsTheWrongRoot(t *testing.T) {
	t.Parallel()
	recording := &recordingRoot{Root: newRoot(t)}
	other := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "rival", Serial: 1}
	must(must(crypto.NewKeyset()).Wrap(t.Context(), recording, other))
	theirs := bytes.Clone(recording.wrapped)
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), recording, organizationBinding))
	ours := recording.wrapped

	impostors := map[string]crypto.Root{
		"nil":                       nil,
		"another key":               newRoot(t),
		"nil plaintext":             answer(nil, nil),
		"empty plaintext":           answer([]byte{}, nil),
		"garbage":                   answer(bytes.Repeat([]byte("x"), 200), nil),
		"the ciphertext":            answer(wrapped, nil),
		"another organization":      answer(theirs, nil),
		"no digest":                 answer(ours[32:], nil),
		"half a digest":             answer(ours[:16], nil),
		"digest alone":              answer(ours[:32], nil),
		"digest, cut-off keyset":    answer(ours[:len(ours)-1], nil),
		"digest, garbage":           answer(append(bytes.Clone(ours[:32]), "garbage"...), nil),
		"almost our digest":         answer(append([]byte{ours[0] ^ 1}, ours[1:]...), nil),
		"more than a keyset can be": answer(padded(ours), nil),
		"an error":                  answer(nil, errors.New("no: hunter2")),
		"plaintext and an error":    answer(ours, errors.New("no: hunter2")),
		"no root of tink":           crypto.FromTink(nil),
		"no root with context":      crypto.FromTinkWithContext(nil),
	}
	for name, root := range impostors {
		if _, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding); err != crypto.ErrWrongRoot {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), answer(ours, nil), wrapped, organizationBinding); err != nil {
		t.Errorf("the right answer: %v", err)
	}
}

// padded appends 64 KiB in a field, number 100, that a protobuf parser skips.
func padded(sealed []byte) []byte {
	return slices.Concat(sealed, []byte{0xa2, 0x06, 0x80, 0x80, 0x04}, make([]byte, 64<<10))
}

func TestCVE20208912OnlyKeysetsOfTheRightTypeAreOrganizations(t *testing.T) {
	t.Parallel()
	templates := map[string]*tinkpb.KeyTemplate{
		"AES-256-GCM":           aead.AES256GCMKeyTemplate(),
		"AES-256-GCM, raw":      aead.AES256GCMNoPrefixKeyTemplate(),
		"XAES, no prefix":       aead.XAES256GCM192BitNonceNoPrefixKeyTemplate(),
		"XAES, short salt":      aead.XAES256GCM160BitNonceKeyTemplate(),
		"ChaCha20-Poly1305":     aead.ChaCha20Poly1305KeyTemplate(),
		"XChaCha20-Poly1305":    aead.XChaCha20Poly1305KeyTemplate(),
		"AES-CTR-HMAC":          aead.AES256CTRHMACSHA256KeyTemplate(),
		"AES-GCM-SIV":           aead.AES256GCMSIVKeyTemplate(),
		"MAC":                   mac.HMACSHA256Tag256KeyTemplate(),
		"signature":             signature.ED25519KeyTemplate(),
		"public-key encryption": hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template(),
		"KMS envelope":          must(aead.CreateKMSEnvelopeAEADKeyTemplate("aws-kms://key", aead.AES256GCMKeyTemplate())),
	}
	for name, template := range templates {
		if _, err := unwrapHandle(t, must(keyset.NewHandle(template))); err != crypto.ErrWrongRoot {
			t.Errorf("%s: %v", name, err)
		}
		for _, disabled := range []bool{false, true} {
			if _, err := unwrapHandle(t, beside(t, template, disabled)); err != crypto.ErrWrongRoot {
				t.Errorf("%s beside a right key, disabled %v: %v", name, disabled, err)
			}
		}
	}
	public := must(must(keyset.NewHandle(hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template())).Public())
	if _, err := unwrapHandle(t, public); err != crypto.ErrWrongRoot {
		t.Errorf("public key: %v", err)
	}
	if _, err := unwrapHandle(t, beside(t, aead.XAES256GCM192BitNonceKeyTemplate(), true)); err != nil {
		t.Errorf("a disabled key of the right type: %v", err)
	}
}

// beside returns a keyset whose primary key is right, with another one.
func beside(t testing.TB, template *tinkpb.KeyTemplate, disabled bool) *keyset.Handle {
	t.Helper()
	manager := keyset.NewManager()
	primary := must(manager.Add(aead.XAES256GCM192BitNonceKeyTemplate()))
	other := must(manager.Add(template))
	err := manager.SetPrimary(primary)
	if disabled {
		err = errors.Join(err, manager.Disable(other))
	}
	if err != nil {
		t.Fatal(err)
	}
	return must(manager.Handle())
}

func TestAnOutageIsNotAWrongRoot(t *testing.T) {
	t.Parallel()
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), newRoot(t), organizationBinding))
	outages := map[string]error{
		"said so":            crypto.ErrRootUnavailable,
		"said so, wrapped":   fmt.Errorf("kms at hunter2: %w", crypto.ErrRootUnavailable),
		"its own deadline":   fmt.Errorf("kms: %w", context.DeadlineExceeded),
		"its own cancelling": fmt.Errorf("kms: %w", context.Canceled),
		"network":            &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("hunter2")},
		"name":               &net.DNSError{Err: "no such host", Name: "hunter2"},
		"HTTP client":        fmt.Errorf("kms: %w", &url.Error{Op: "Post", URL: "https://hunter2", Err: errors.New("refused")}),
		"operating system":   syscall.ECONNREFUSED,
	}
	for name, outage := range outages {
		_, err := crypto.UnwrapKeyset(t.Context(), answer(nil, outage), wrapped, organizationBinding)
		if err != crypto.ErrRootUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A KMS client reports a refusal, and often an outage, in a type of its own,
// which nothing tells from a wrong key. So the one error says what both need.
func TestTheErrorOfAWrongRootSaysWhatToCheckForEitherKind(t *testing.T) {
	t.Parallel()
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), newRoot(t), organizationBinding))
	for _, said := range []string{
		"rpc error: code = PermissionDenied desc = key hunter2",
		"operation error KMS: Decrypt, https response error StatusCode: 503, hunter2",
	} {
		kms := failingAEAD{errors.New(said)}
		for _, root := range []crypto.Root{crypto.FromTink(kms), crypto.FromTinkWithContext(kms)} {
			_, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding)
			if !errors.Is(err, crypto.ErrWrongRoot) {
				t.Fatalf("got %v", err)
			}
			for _, advice := range []string{
				"another key", "the path of the key file", "whether the root was replaced",
				"a KMS that refused or failed", "the key's name, the right to decrypt, and whether the service is up",
			} {
				if !strings.Contains(err.Error(), advice) {
					t.Errorf("%v\nwant it to say: %s", err, advice)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it says what the KMS said: %v", err)
			}
		}
	}
}

// A failingAEAD is a KMS client, of either kind, that always fails.
type failingAEAD struct{ err error }

func (a failingAEAD) Encrypt(_, _ []byte) ([]byte, error) { return nil, a.err }
func (a failingAEAD) Decrypt(_, _ []byte) ([]byte, error) { return nil, a.err }

func (a failingAEAD) EncryptWithContext(context.Context, []byte, []byte) ([]byte, error) {
	return nil, a.err
}

func (a failingAEAD) DecryptWithContext(context.Context, []byte, []byte) ([]byte, error) {
	return nil, a.err
}

func TestWrapFailsWithoutATextOrAWrap(t *testing.T) {
	t.Parallel()
	keys := must(crypto.NewKeyset())
	tests := map[string]struct {
		root crypto.Root
		want error
	}{
		"nil root":        {nil, crypto.ErrWrongRoot},
		"nil primary":     {crypto.Roots(nil, newRoot(t)), crypto.ErrWrongRoot},
		"refused":         {answer(nil, errors.New("denied: hunter2")), crypto.ErrRootUnavailable},
		"outage":          {answer(nil, syscall.ECONNRESET), crypto.ErrRootUnavailable},
		"no wrap":         {answer(nil, nil), crypto.ErrRootUnavailable},
		"empty wrap":      {answer([]byte{}, nil), crypto.ErrRootUnavailable},
		"wrap, but error": {answer([]byte("wrap"), errors.New("hunter2")), crypto.ErrRootUnavailable},
	}
	for name, test := range tests {
		if wrapped, err := keys.Wrap(t.Context(), test.root, organizationBinding); err != test.want || wrapped != nil {
			t.Errorf("%s: %d bytes, %v; want %v", name, len(wrapped), err, test.want)
		}
	}
}

func TestAnEndedContextIsItsOwnError(t *testing.T) {
	t.Parallel()
	keys := must(crypto.NewKeyset())
	wrapped := must(keys.Wrap(t.Context(), newRoot(t), organizationBinding))
	hangs := fakeRoot(func(ctx context.Context, _, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, errors.New("hunter2")
	})
	roots := map[string]crypto.Root{
		"tink": newRoot(t), "hangs": hangs, "list": crypto.Roots(hangs, newRoot(t)),
		"with context": crypto.FromTinkWithContext(contextAEAD{}), "nil": nil,
	}
	for name, root := range roots {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := crypto.UnwrapKeyset(cancelled, root, wrapped, organizationBinding); err != context.Canceled {
			t.Errorf("%s: unwrap: %v", name, err)
		}
		if name == "nil" {
			continue
		}
		if _, err := keys.Wrap(cancelled, root, organizationBinding); err != context.Canceled {
			t.Errorf("%s: wrap: %v", name, err)
		}
	}
	for _, root := range []crypto.Root{hangs, crypto.Roots(hangs, newRoot(t)), crypto.FromTinkWithContext(contextAEAD{})} {
		soon, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if _, err := crypto.UnwrapKeyset(soon, root, wrapped, organizationBinding); err != context.DeadlineExceeded {
			t.Errorf("unwrap: %v", err)
		}
		if _, err := keys.Wrap(soon, root, organizationBinding); err != context.DeadlineExceeded {
			t.Errorf("wrap: %v", err)
		}
		cancel()
	}
}

// A contextAEAD hangs until its context ends, so it fails unless it is given
// one.
type contextAEAD struct{}

func (contextAEAD) EncryptWithContext(ctx context.Context, _, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (contextAEAD) DecryptWithContext(ctx context.Context, _, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestATinkRootLooksAtTheContextBeforeItCalls(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	calls := new(countingAEAD)
	root := crypto.FromTink(calls)
	if _, err := root.Wrap(cancelled, nil, nil); err != context.Canceled {
		t.Errorf("wrap: %v", err)
	}
	if _, err := root.Unwrap(cancelled, nil, nil); err != context.Canceled {
		t.Errorf("unwrap: %v", err)
	}
	if *calls != 0 {
		t.Errorf("called %d times", *calls)
	}
}

type countingAEAD int

var _ tink.AEAD = (*countingAEAD)(nil)

func (c *countingAEAD) Encrypt(_, _ []byte) ([]byte, error) { *c++; return nil, nil }
func (c *countingAEAD) Decrypt(_, _ []byte) ([]byte, error) { *c++; return nil, nil }

func TestBuffersThatHeldAKeysetAreCleared(t *testing.T) {
	t.Parallel()
	root := &recordingRoot{Root: newRoot(t)}
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding))
	must(crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding))
	for name, buffer := range map[string][]byte{"given to Wrap": root.given, "returned by Unwrap": root.returned} {
		if len(buffer) < 64 || !bytes.Equal(buffer, make([]byte, len(buffer))) {
			t.Errorf("the slice %s was not cleared", name)
		}
	}
}
