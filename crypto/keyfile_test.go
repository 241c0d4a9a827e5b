//go:build unix

package crypto_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/signature"

	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func keyPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "root.json")
}

func writeKeyFile(t testing.TB, handle *keyset.Handle) string {
	t.Helper()
	path := keyPath(t)
	if err := os.WriteFile(path, jsonOf(t, handle), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func jsonOf(t testing.TB, handle *keyset.Handle) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// refused asserts a KeyFileError whose reason holds want and whose text holds
// nothing of contents.
func refused(t *testing.T, path, want string, contents []byte) {
	t.Helper()
	root, err := crypto.KeyFile(path)
	var fault *crypto.KeyFileError
	if root != nil || !errors.As(err, &fault) {
		t.Errorf("%s: %v, %v; want a KeyFileError", want, root, err)
		return
	}
	if fault.Path != path || !strings.Contains(fault.Reason, want) {
		t.Errorf("%v, want it to say: %s", err, want)
	}
	for i := 0; i+12 <= len(contents); i++ {
		if strings.Contains(err.Error(), string(contents[i:i+12])) {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func opens(t *testing.T, root crypto.Root, wrapped []byte) bool {
	t.Helper()
	_, err := crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding)
	if err != nil && err != crypto.ErrWrongRoot {
		t.Error(err)
	}
	return err == nil
}

func TestAMissingKeyFileIsMade(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	root := must(crypto.KeyFile(path))
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding))

	info := must(os.Lstat(path))
	if info.Mode() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	if names := directory(t, filepath.Dir(path)); !cmp.Equal(names, []string{"root.json"}) {
		t.Errorf("left behind: %v", names)
	}
	before := must(os.ReadFile(path))
	if !opens(t, must(crypto.KeyFile(path)), wrapped) {
		t.Error("the file read again is another key")
	}
	if !bytes.Equal(before, must(os.ReadFile(path))) {
		t.Error("the file was written again")
	}
}

func directory(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	for _, entry := range must(os.ReadDir(dir)) {
		names = append(names, entry.Name())
	}
	return names
}

func TestTheKeyFileIsAnAES256GCMKeysetOfTink(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	must(crypto.KeyFile(path))
	handle := must(insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(must(os.ReadFile(path))))))
	if handle.Len() != 1 {
		t.Fatalf("%d keys", handle.Len())
	}
	params, ok := must(handle.Primary()).Key().Parameters().(*aesgcm.Parameters)
	if !ok || params.KeySizeInBytes() != 32 || params.Variant() != aesgcm.VariantTink {
		t.Errorf("parameters are %+v", params)
	}
}

func TestTheUmaskDoesNotMatter(t *testing.T) {
	old := syscall.Umask(0o777) // of the process: this test runs alone
	defer syscall.Umask(old)
	syscall.Umask(0o077)
	path := keyPath(t)
	for _, umask := range []int{0, 0o277, 0o777} {
		syscall.Umask(umask)
		_, err := crypto.KeyFile(path)
		syscall.Umask(0o077)
		if err != nil {
			t.Fatalf("umask %04o: %v", umask, err)
		}
		if mode := must(os.Stat(path)).Mode(); mode != 0o600 {
			t.Errorf("umask %04o: mode %v", umask, mode)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// The mistake that ErrWrongRoot is for.
func TestAMistypedPathIsAnotherKey(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), must(crypto.KeyFile(path)), organizationBinding))
	if opens(t, must(crypto.KeyFile(path+"x")), wrapped) {
		t.Error("another file opens the organization")
	}
}

func TestKeyFilesOfEverySymmetricAEADAreRead(t *testing.T) {
	t.Parallel()
	templates := map[string]*tinkpb.KeyTemplate{
		"AES-256-GCM":        aead.AES256GCMKeyTemplate(),
		"AES-256-GCM, raw":   aead.AES256GCMNoPrefixKeyTemplate(),
		"AES-128-GCM":        aead.AES128GCMKeyTemplate(),
		"XAES-256-GCM":       aead.XAES256GCM192BitNonceKeyTemplate(),
		"AES-GCM-SIV":        aead.AES256GCMSIVKeyTemplate(),
		"AES-CTR-HMAC":       aead.AES256CTRHMACSHA256KeyTemplate(),
		"ChaCha20-Poly1305":  aead.ChaCha20Poly1305KeyTemplate(),
		"XChaCha20-Poly1305": aead.XChaCha20Poly1305KeyTemplate(),
	}
	for name, template := range templates {
		handle := must(keyset.NewHandle(template))
		wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), crypto.FromTink(must(aead.New(handle))), organizationBinding))
		root, err := crypto.KeyFile(writeKeyFile(t, handle))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !opens(t, root, wrapped) {
			t.Errorf("%s: the file is another key", name)
		}
	}
}

func TestARotatedKeyFileOpensWhatTheOldOneWrapped(t *testing.T) {
	t.Parallel()
	manager := keyset.NewManager()
	oldID := must(manager.Add(aead.AES256GCMKeyTemplate()))
	if err := manager.SetPrimary(oldID); err != nil {
		t.Fatal(err)
	}
	old := must(crypto.KeyFile(writeKeyFile(t, must(manager.Handle()))))
	newID := must(manager.Add(aead.XAES256GCM192BitNonceKeyTemplate()))
	if err := manager.SetPrimary(newID); err != nil {
		t.Fatal(err)
	}
	rotated := must(crypto.KeyFile(writeKeyFile(t, must(manager.Handle()))))
	if err := manager.Disable(oldID); err != nil {
		t.Fatal(err)
	}
	disabled := must(crypto.KeyFile(writeKeyFile(t, must(manager.Handle()))))

	keys := must(crypto.NewKeyset())
	before := must(keys.Wrap(t.Context(), old, organizationBinding))
	after := must(keys.Wrap(t.Context(), rotated, organizationBinding))
	if !opens(t, rotated, before) || !opens(t, rotated, after) {
		t.Error("the rotated file does not open both")
	}
	if opens(t, old, after) {
		t.Error("the rotated file wraps with the old key")
	}
	if opens(t, disabled, before) || !opens(t, disabled, after) {
		t.Error("the disabled key still opens, or the other does not")
	}
}

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	must(crypto.KeyFile(path))
	for _, mode := range []os.FileMode{0o644, 0o660, 0o604, 0o640, 0o602, 0o620, 0o610, 0o601, 0o666, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(t, path, "chmod 600", must(os.ReadFile(path)))
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := crypto.KeyFile(path); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func TestTheRefusalOfAModeSaysWhatToRun(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	must(crypto.KeyFile(path))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := crypto.KeyFile(path)
	want := `key file "` + path + `": has mode 0644, which lets others than its owner in; run: chmod 600 "` + path + `"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// An owned is a private regular file of some user.
type owned struct {
	fs.FileInfo
	uid uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.uid} }

func TestAKeyFileOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	must(crypto.KeyFile(path))
	info := must(os.Stat(path))
	tests := []struct {
		owner uint32
		euid  int
		ok    bool
	}{
		{1000, 1000, true}, {0, 1000, true}, {0, 0, true},
		{1000, 0, false}, {1001, 1000, false}, {1<<32 - 1, 1000, false},
	}
	for _, test := range tests {
		fault := crypto.PrivacyFault(path, owned{info, test.owner}, test.euid)
		if (fault == "") != test.ok {
			t.Errorf("file of %d, user %d: %q", test.owner, test.euid, fault)
		}
	}
	if os.Geteuid() != 0 {
		return // only root can give a file away
	}
	if err := os.Chown(path, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	refused(t, path, fmt.Sprintf("belongs to user 4242, neither to the effective user 0 nor to root; run: chown 0 %q", path), must(os.ReadFile(path)))
}

func TestCVE202628684AKeyFileThatIsNoRegularFileIsRefused(t *testing.T) {
	t.Parallel()
	real := keyPath(t)
	must(crypto.KeyFile(real))
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Symlink(real, at("link")),
		os.Symlink(at("nowhere"), at("dangling")),
		os.Symlink(at("loop"), at("loop")),
		os.Mkdir(at("dir"), 0o700),
		syscall.Mkfifo(at("fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	refused(t, at("link"), "name the file that it leads to", nil)
	refused(t, at("dangling"), "symbolic link", nil)
	refused(t, at("loop"), "symbolic link", nil)
	refused(t, at("dir"), "name the file itself", nil)
	refused(t, at("fifo"), "not a regular file", nil) // and does not wait for a writer
	refused(t, os.DevNull, "not a regular file", nil)
	if _, err := os.Lstat(at("nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was made through a dangling link")
	}
}

const notAKeyset = "is not a cleartext Tink keyset in JSON; check the path, or restore the file from its copy"

func TestAKeyFileThatHoldsNoKeysetIsRefused(t *testing.T) {
	t.Parallel()
	valid := jsonOf(t, must(keyset.NewHandle(aead.AES256GCMKeyTemplate())))
	var binary, encrypted bytes.Buffer
	handle := must(keyset.NewHandle(aead.AES256GCMKeyTemplate()))
	wrapper := must(aead.New(must(keyset.NewHandle(aead.AES256GCMKeyTemplate()))))
	if err := errors.Join(
		insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&binary)),
		handle.Write(keyset.NewJSONWriter(&encrypted), wrapper),
	); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		contents []byte
		want     string
	}{
		"empty":         {nil, "restore it from its copy"},
		"blank":         {[]byte("\n"), notAKeyset},
		"garbage":       {bytes.Repeat([]byte("hunter2-hunter2-"), 20), notAKeyset},
		"PEM":           {[]byte("-----BEGIN PRIVATE KEY-----\nhunter2hunter2\n"), notAKeyset},
		"empty object":  {[]byte("{}"), notAKeyset},
		"no keys":       {[]byte(`{"primaryKeyId":1,"key":[]}`), notAKeyset},
		"unknown field": {bytes.Replace(valid, []byte("{"), []byte(`{"hunter2-hunter2":1,`), 1), notAKeyset},
		"two keysets":   {append(bytes.Clone(valid), valid...), notAKeyset},
		"binary":        {binary.Bytes(), notAKeyset},
		"encrypted":     {encrypted.Bytes(), notAKeyset},
		"64 KiB and 1":  {append(bytes.Clone(valid), bytes.Repeat([]byte(" "), 64<<10+1-len(valid))...), "larger than 64 KiB; check the path"},
		"a megabyte":    {bytes.Repeat([]byte(" "), 1<<20), "larger than 64 KiB; check the path"},
	}
	for name, test := range tests {
		path := keyPath(t)
		if err := os.WriteFile(path, test.contents, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { refused(t, path, test.want, test.contents) })
		if !bytes.Equal(must(os.ReadFile(path)), test.contents) {
			t.Errorf("%s: the file was changed", name)
		}
	}
	path := keyPath(t)
	padded := append(bytes.Clone(valid), bytes.Repeat([]byte(" "), 64<<10-len(valid))...)
	if err := os.WriteFile(path, padded, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := crypto.KeyFile(path); err != nil {
		t.Errorf("exactly 64 KiB: %v", err)
	}
}

func TestAKeyFileCutOffAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	valid := jsonOf(t, must(keyset.NewHandle(aead.AES256GCMKeyTemplate())))
	path := keyPath(t)
	for n := range len(valid) {
		if err := os.WriteFile(path, valid[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, path, "is ", valid)
	}
}

func TestAKeyFileOfOtherKeysIsRefused(t *testing.T) {
	t.Parallel()
	private := must(keyset.NewHandle(hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template()))
	handles := map[string]*keyset.Handle{
		"public key":    must(private.Public()),
		"private key":   private,
		"MAC":           must(keyset.NewHandle(mac.HMACSHA256Tag256KeyTemplate())),
		"signature":     must(keyset.NewHandle(signature.ED25519KeyTemplate())),
		"KMS envelope":  must(keyset.NewHandle(must(aead.CreateKMSEnvelopeAEADKeyTemplate("aws-kms://k", aead.AES256GCMKeyTemplate())))),
		"MAC beside":    beside(t, mac.HMACSHA256Tag256KeyTemplate(), false),
		"disabled, too": beside(t, mac.HMACSHA256Tag256KeyTemplate(), true),
	}
	for name, handle := range handles {
		path := writeKeyFile(t, handle)
		t.Run(name, func(t *testing.T) {
			refused(t, path, "holds a key that is not a symmetric AEAD key; take a keyset of AES256_GCM", nil)
		})
	}
}
