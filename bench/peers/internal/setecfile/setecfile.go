// Package setecfile makes and opens databases of setec.
package setecfile

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/tailscale/setec/acl"
	"github.com/tailscale/setec/audit"
	"github.com/tailscale/setec/db"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Caller may do everything.
var Caller = db.Caller{
	Principal: audit.Principal{User: "bench", IP: netip.MustParseAddr("127.0.0.1"), Hostname: "localhost"},
	Permissions: acl.Rules{{
		Action: []acl.Action{acl.ActionGet, acl.ActionInfo, acl.ActionPut, acl.ActionCreateVersion, acl.ActionActivate, acl.ActionDelete},
		Secret: []acl.Secret{"*"},
	}},
}

func keyFile(dir string) string      { return filepath.Join(dir, "kek.json") }
func databaseFile(dir string) string { return filepath.Join(dir, "setec.db") }

// Open opens the database in dir, with its key from a file beside it.
func Open(dir string) (*db.DB, error) {
	key, err := readKey(dir)
	if err != nil {
		return nil, err
	}
	return db.Open(databaseFile(dir), key, audit.New(io.Discard))
}

func readKey(dir string) (tink.AEAD, error) {
	data, err := os.ReadFile(keyFile(dir))
	if err != nil {
		return nil, err
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}

// Write makes a database in dir. setec rewrites the whole file with each put, so
// the file is written here at once, as setec documents it.
func Write(dir string, values map[string]string) error {
	kek, err := newKey(dir)
	if err != nil {
		return err
	}
	dek, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return err
	}
	var wrapped bytes.Buffer
	if err := dek.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), kek, []byte("setec DEK v1")); err != nil {
		return err
	}
	sealed, err := seal(dek, values)
	if err != nil {
		return err
	}
	file, err := json.Marshal(struct {
		Version uint32
		DEK, DB []byte
	}{1, wrapped.Bytes(), sealed})
	if err != nil {
		return err
	}
	return os.WriteFile(databaseFile(dir), file, 0o600)
}

func newKey(dir string) (tink.AEAD, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile(dir), buf.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return aead.New(handle)
}

type secret struct {
	Versions                     map[string][]byte
	ActiveVersion, LatestVersion int
}

func seal(dek *keyset.Handle, values map[string]string) ([]byte, error) {
	secrets := make(map[string]secret, len(values))
	for name, value := range values {
		secrets[name] = secret{map[string][]byte{"1": []byte(value)}, 1, 1}
	}
	clear, err := json.Marshal(map[string]any{"Secrets": secrets})
	if err != nil {
		return nil, err
	}
	a, err := aead.New(dek)
	if err != nil {
		return nil, err
	}
	return a.Encrypt(clear, []byte("setec database v1"))
}
