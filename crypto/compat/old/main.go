// Command old does what it is asked on stdin with github.com/google/tink/go
// v1.7.0. It exists for the tests of the directory above.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/google/tink/go/aead"
	"github.com/google/tink/go/insecurecleartextkeyset"
	"github.com/google/tink/go/keyset"
	"github.com/google/tink/go/tink"

	tinkpb "github.com/google/tink/go/proto/tink_go_proto"
)

func main() {
	decoder, encoder := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var req request
		err := decoder.Decode(&req)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(respond(req)); err != nil {
			log.Fatal(err)
		}
	}
}

func respond(req request) response {
	output, err := serve(req)
	if err != nil {
		return response{Error: err.Error()}
	}
	return response{Output: output}
}

func serve(req request) ([]byte, error) {
	switch req.Op {
	case "new":
		return newKeyset(req.Template)
	case "encrypt":
		a, err := read(req.Keyset)
		if err != nil {
			return nil, err
		}
		return a.Encrypt(req.Input, req.AssociatedData)
	case "decrypt":
		a, err := read(req.Keyset)
		if err != nil {
			return nil, err
		}
		return a.Decrypt(req.Input, req.AssociatedData)
	}
	return nil, fmt.Errorf("no operation %q", req.Op)
}

func newKeyset(name string) ([]byte, error) {
	templates := map[string]func() *tinkpb.KeyTemplate{
		"AES128_GCM":             aead.AES128GCMKeyTemplate,
		"AES256_GCM":             aead.AES256GCMKeyTemplate,
		"AES256_GCM_RAW":         aead.AES256GCMNoPrefixKeyTemplate,
		"AES128_CTR_HMAC_SHA256": aead.AES128CTRHMACSHA256KeyTemplate,
		"AES256_CTR_HMAC_SHA256": aead.AES256CTRHMACSHA256KeyTemplate,
		"CHACHA20_POLY1305":      aead.ChaCha20Poly1305KeyTemplate,
		"XCHACHA20_POLY1305":     aead.XChaCha20Poly1305KeyTemplate,
	}
	template, ok := templates[name]
	if !ok {
		return nil, fmt.Errorf("no template %q", name)
	}
	handle, err := keyset.NewHandle(template())
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func read(serialized []byte) (tink.AEAD, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(serialized)))
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}
