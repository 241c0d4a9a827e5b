package secrets_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const tokenPrefix = "sks1_"

// TestTextsThatAreNoTokenAreRefused is not parallel: it captures what is
// printed.
func TestTextsThatAreNoTokenAreRefused(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	text := token.Reveal()
	rest := strings.TrimPrefix(text, tokenPrefix)
	for what, texts := range map[string][]string{
		"cut":            cuts(text),
		"byte changed":   changes(text),
		"extended":       {text + "A", text + "AAAA", text + text, text + rest},
		"padded":         {text + "=", text + "=="},
		"spaces":         {" " + text, text + " ", text + "\t", "\u00a0" + text, text[:40] + " " + text[40:]},
		"quotes":         {`"` + text + `"`, "'" + text + "'", "`" + text},
		"NUL":            {text + "\x00", "\x00" + text},
		"other alphabet": {text[:40] + "+/" + text[42:]},
		"other prefix":   {"sks2_" + rest, "SKS1_" + rest, "sks1-" + rest, "sks_" + rest, rest, tokenPrefix + text, strings.ToUpper(text)},
		"too long":       {tokenPrefix + strings.Repeat("A", 508), tokenPrefix + strings.Repeat(rest, 1<<12)},
	} {
		t.Run(what, func(t *testing.T) {
			var calls []call
			for _, text := range texts {
				if text == token.Reveal() {
					t.Fatal("the token itself")
				}
				calls = append(calls, parseCall(t, text))
			}
			wantRefused(t, f, secrets.ErrUnauthenticated, calls, text, rest[:16], rest[len(rest)-16:])
		})
	}
}

func parseCall(t *testing.T, text string) call {
	return call{at: secrets.Error{Op: "parse token"}, do: func(context.Context) error {
		token, err := secrets.ParseToken(text)
		if !token.IsZero() || token.ID() != "" || token.Reveal() != "" {
			t.Error("a token beside the error")
		}
		return err
	}}
}

// cuts returns the beginnings of text.
func cuts(text string) []string {
	all := make([]string, 0, len(text))
	for i := range len(text) {
		all = append(all, text[:i])
	}
	return all
}

// changes returns text with each of its bytes replaced, one at a time.
func changes(text string) []string {
	all := make([]string, 0, len(text))
	for i := range len(text) {
		b := []byte(text)
		if b[i]++; b[i] == '{' { // behind z
			b[i] = 'a'
		}
		all = append(all, string(b))
	}
	return all
}

// TestTokensThatFitNoRecordAreRefused is not parallel: it captures what is
// printed. The texts are those of tokens, made up by somebody with a real one.
func TestTokensThatFitNoRecordAreRefused(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	getService(t)(f.org.CreateService(t.Context(), "web"))
	get(t)(f.client.CreateOrganization(t.Context(), "rival"))
	text := f.token(t).Reveal()
	names := len("\x04acme\x03api")
	for what, bad := range map[string]struct {
		change                func([]byte) []byte
		is                    error
		organization, service secrets.Name
	}{
		"another organization": {
			func(b []byte) []byte { return append([]byte("\x05rival"), b[5:]...) }, secrets.ErrUnauthenticated, "rival", "api",
		},
		"another service": {
			func(b []byte) []byte { return bytes.Replace(b, []byte("api"), []byte("web"), 1) }, secrets.ErrUnauthenticated, "acme", "web",
		},
		"another id":    {flipAt(names), secrets.ErrUnauthenticated, "acme", "api"},
		"another floor": {flipAt(names + 16), secrets.ErrTampered, "acme", "api"},
		"another key":   {flipAt(names + 16 + 8), secrets.ErrTampered, "acme", "api"},
	} {
		t.Run(what, func(t *testing.T) {
			forged := tokenText(string(bad.change([]byte(tokenFields(text)))))
			token, err := secrets.ParseToken(forged)
			if err != nil {
				t.Fatal(err)
			}
			at := secrets.Error{Op: "connect", Organization: bad.organization, Service: bad.service}
			wantRefused(t, f, bad.is, []call{connectCall(at, f.store, token)}, text, forged)
		})
	}
	if token, err := secrets.ParseToken(text); err != nil || lookup(t.Context(), f.connect(t, token), "A") != canary {
		t.Errorf("the real one does not work: %v", err)
	}
}

func flipAt(i int) func([]byte) []byte {
	return func(b []byte) []byte { b[i] ^= 1; return b }
}

func connectCall(at secrets.Error, store storage.Store, token secrets.Token) call {
	return call{at: at, do: func(ctx context.Context) error {
		session, err := secrets.Connect(ctx, store, token)
		if session != nil {
			return nil
		}
		return err
	}}
}

// TestNothingToWorkWithIsRefused is not parallel: it captures what is printed.
func TestNothingToWorkWithIsRefused(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	open := func(store storage.Store, root crypto.Root) call {
		return call{at: secrets.Error{Op: "open"}, do: func(context.Context) error { return failure(secrets.Open(store, root, nil)) }}
	}
	connect := secrets.Error{Op: "connect"}
	calls := []call{open(nil, f.root), open(f.store, nil), open(nil, nil), connectCall(connect, nil, token), connectCall(connect, nil, secrets.Token{})}
	wantRefused(t, f, nil, calls, token.Reveal())
	wantRefused(t, f, secrets.ErrUnauthenticated, []call{connectCall(connect, f.store, secrets.Token{})})
}

func TestATokenWithALineBreakIsRefused(t *testing.T) {
	f := newFixture(t)
	text := f.token(t).Reveal()
	for _, bad := range []string{text + "\n", text + "\r\n", text[:20] + "\n" + text[20:], "\n" + text, text[:5] + "\r" + text[5:]} {
		wantRefused(t, f, secrets.ErrUnauthenticated, []call{parseCall(t, bad)}, text)
	}
}
