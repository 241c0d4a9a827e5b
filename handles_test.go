package secrets_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// The test of this file is not parallel: what it prints is captured.

// pointers and values hold the handles of a program, as its own structs may.
type pointers struct {
	Client       *secrets.Client
	Organization *secrets.Organization
	Service      *secrets.Service
	Session      *secrets.Session
	Environment  *secrets.Environment
}

type values struct {
	Client       secrets.Client
	Organization secrets.Organization
	Service      secrets.Service
	Session      secrets.Session
	Environment  secrets.Environment
}

// copied returns what the handles point to: nobody should copy them, but fmt
// prints what they point to as well.
func (p *pointers) copied() *values {
	var v values
	from, to := reflect.ValueOf(p).Elem(), reflect.ValueOf(&v).Elem()
	for i := range from.NumField() {
		to.Field(i).Set(from.Field(i).Elem())
	}
	return &v
}

// rootKey returns the key of a key file, as it is in the file and in memory.
func rootKey(t *testing.T, path string) (text, raw string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var keyset struct {
		Key []struct{ KeyData struct{ Value string } }
	}
	if err := json.Unmarshal(data, &keyset); err != nil {
		t.Fatal(err)
	}
	text = keyset.Key[0].KeyData.Value
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(message) != 2+crypto.KeySize { // a field's header, and the key
		t.Fatalf("the key file holds %d bytes, %v", len(message), err)
	}
	return text, string(message[2:])
}

// newHandles returns handles that were used, so that they hold what they keep,
// and what must not be seen of them: a value, the token, and the keys in the
// token and in the root.
func newHandles(t *testing.T) (p *pointers, canaries []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.json")
	root, err := crypto.KeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: newStore(t), root: root}
	f.client = f.open(t, f.store)
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "a", canary)
	token := f.token(t)
	session := f.connect(t, token)
	want(t, lookup(t.Context(), f.api, "A"), canary)
	want(t, lookup(t.Context(), session, "A"), canary)
	env, err := session.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fileKey, rawKey := rootKey(t, path)
	fields := tokenFields(token.Reveal())
	tokenKey := fields[len(fields)-crypto.KeySize:]
	return &pointers{f.client, f.org, f.api, session, env}, []string{canary, token.Reveal(), tokenKey, fileKey, rawKey}
}

// printAll prints a handle, and what holds it, with every verb, and logs it.
func printAll(handle any) {
	held := holders(handle)
	for _, how := range []string{"itself", "exported field", "unexported field", "any field, there", "slice", "map"} {
		for _, flag := range []string{"", "+", "#"} {
			for _, verb := range "vTtbcdoOqxXUeEfFgGspwZ!" {
				fmt.Printf("%"+flag+string(verb)+"\n", held[how])
			}
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(os.Stdout, nil), slog.NewJSONHandler(os.Stdout, nil)} {
			slog.New(h).With("with", held[how]).Info("m", "v", held[how], slog.Group("g", "v", held[how]))
		}
		log.Printf("%+v", held[how])
	}
}

func TestNoHandlePrintsAValueTokenOrKey(t *testing.T) {
	p, canaries := newHandles(t)
	for _, all := range []any{p, p.copied()} {
		handles := map[string]any{fmt.Sprintf("%T", all): all}
		for _, field := range reflect.Indirect(reflect.ValueOf(all)).Fields() {
			handles[fmt.Sprintf("%T", field.Interface())] = field.Interface()
		}
		for what, handle := range handles {
			t.Run(what, func(t *testing.T) {
				secretstest.NoLeak(t, func() error {
					printAll(handle)
					return errors.Join(holderError{handle}, fmt.Errorf("%v", handle))
				}, canaries...)
			})
		}
	}
}
