package crypto_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// Printable, and without any byte that an encoder would write in a form of its
// own, so that a leak is found in whatever form it comes.
var canary = []byte("CANARY-KEY-0123456789-ABCDEFGHIJ")

// leaks returns the form in which output holds the canary, or nothing.
func leaks(output string) string {
	forms := map[string]string{
		"text":      string(canary[:8]),
		"hex":       hex.EncodeToString(canary[:8]),
		"hex, x":    fmt.Sprintf("% x", canary[:8]),
		"base64":    base64.StdEncoding.EncodeToString(canary[:6]),
		"decimal":   strings.Trim(fmt.Sprint(canary[:8]), "[]"),
		"Go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", canary[:8]), "[]byte{"), "}"),
		"binary":    strings.Trim(fmt.Sprintf("%b", canary[:8]), "[]"),
		"octal":     strings.Trim(fmt.Sprintf("%o", canary[:8]), "[]"),
		"runes":     strings.Trim(fmt.Sprintf("%q", bytes.Runes(canary[:8])), "[]"),
	}
	for form, text := range forms {
		if strings.Contains(strings.ToLower(output), strings.ToLower(text)) {
			return form
		}
	}
	return ""
}

// A canaryAEAD is what a KMS client should not be: a struct that holds a key.
type canaryAEAD struct{ key []byte }

func (canaryAEAD) Encrypt(_, _ []byte) ([]byte, error) { return nil, nil }
func (canaryAEAD) Decrypt(_, _ []byte) ([]byte, error) { return nil, nil }

func (canaryAEAD) EncryptWithContext(_ context.Context, _, _ []byte) ([]byte, error) { return nil, nil }
func (canaryAEAD) DecryptWithContext(_ context.Context, _, _ []byte) ([]byte, error) { return nil, nil }

func holders(t *testing.T) map[string]any {
	t.Helper()
	keys, service := keysWith(t, canary), serviceKeyWith(t, canary)
	version, token := versionKeyWith(t, canary), must(crypto.TokenKeyFromBytes(canary))
	return map[string]any{
		"Keyset": keys, "Keyset value": *keys,
		"ServiceKey": service, "ServiceKey value": *service,
		"VersionKey": version, "VersionKey value": *version,
		"TokenKey": token, "TokenKey value": *token,
		"FromTink":            crypto.FromTink(canaryAEAD{canary}),
		"FromTinkWithContext": crypto.FromTinkWithContext(canaryAEAD{canary}),
		"Roots":               crypto.Roots(crypto.FromTink(canaryAEAD{canary}), crypto.FromTink(canaryAEAD{canary})),
	}
}

// wrappings are the places where package fmt calls no method of what it
// prints, and some where it does.
func wrappings(v any) map[string]any {
	type unexported struct{ v any }
	type deep struct{ p *unexported }
	type exported struct{ V any }
	return map[string]any{
		"itself":              v,
		"unexported field":    unexported{v},
		"pointer to a field":  &unexported{v},
		"field of a pointer":  deep{&unexported{v}},
		"exported field":      exported{v},
		"slice":               []any{v},
		"map":                 map[string]any{"k": v},
		"pointer to an any":   &v,
		"array in a function": [1]any{v},
	}
}

func TestNoVerbPrintsAKey(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(t) {
		for place, v := range wrappings(holder) {
			for _, verb := range "vTtbcdoOqxXUeEfFgGspwz" {
				for _, flags := range []string{"", "+", "#", "+#", " ", "-90", "090", ".3"} {
					format := "%" + flags + string(verb)
					if form := leaks(fmt.Sprintf(format, v)); form != "" {
						t.Errorf("%s, %s: %s prints the key as %s", name, place, format, form)
					}
				}
			}
			if form := leaks(fmt.Sprint(v) + fmt.Sprintln(v) + fmt.Errorf("%w %v", errFor(v), v).Error()); form != "" {
				t.Errorf("%s, %s: print: %s", name, place, form)
			}
		}
	}
}

func errFor(any) error { return crypto.ErrTampered }

func TestTheSearchForLeaksFindsOne(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "% X", "%q", "%d", "%o", "%b"} {
		if leaks(fmt.Sprintf(verb, struct{ v any }{canary})) == "" {
			t.Errorf("%s of a bare key was not noticed: %s", verb, fmt.Sprintf(verb, struct{ v any }{canary}))
		}
	}
	if leaks(string(must(json.Marshal(canary)))) == "" {
		t.Error("JSON of a bare key was not noticed")
	}
}

func TestKeysPrintAsRedacted(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(t) {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			if got := fmt.Sprintf(format, holder); got != "[redacted]" {
				t.Errorf("%s: %s prints %q", name, format, got)
			}
		}
	}
}

func TestNoEncoderOrLoggerWritesAKey(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(t) {
		for place, v := range wrappings(holder) {
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("key", "k", v, slog.Group("g", "k", v))
			slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "k", v, slog.Group("g", "k", v))
			if form := leaks(log.String()); form != "" {
				t.Errorf("%s, %s: slog: %s", name, place, form)
			}
			encoded, _ := json.Marshal(v)
			indented, _ := xml.Marshal(v)
			var binary bytes.Buffer
			_ = gob.NewEncoder(&binary).Encode(v) // refused: no exported fields
			if form := leaks(string(encoded) + string(indented) + binary.String()); form != "" {
				t.Errorf("%s, %s: encoded as %s", name, place, form)
			}
		}
		if got := string(must(json.Marshal(holder))); got != `"[redacted]"` {
			t.Errorf("%s: JSON is %s", name, got)
		}
	}
}

func TestAKeyInAMapIsRedactedInJSON(t *testing.T) {
	t.Parallel()
	got := string(must(json.Marshal(map[string]any{"k": must(crypto.TokenKeyFromBytes(canary))})))
	if got != `{"k":"[redacted]"}` {
		t.Error(got)
	}
}

func TestANilKeyPrintsWithoutAPanic(t *testing.T) {
	t.Parallel()
	var service *crypto.ServiceKey
	if got := fmt.Sprintf("%v %+v %s", service, service, service); strings.Contains(got, "PANIC") {
		t.Error(got)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "k", service)
}
