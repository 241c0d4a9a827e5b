package secrets_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// The rules for names, as others write them: RFC 1123, POSIX, and some of the
// variables that the system reads.
var (
	label      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	variable   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	privileged = regexp.MustCompile(`(?i)^((DYLD|SECRETS)_.*|PATH|LD_PRELOAD|GLIBC_TUNABLES|GODEBUG|https_proxy|BASH_ENV|NODE_OPTIONS)$`)
)

// wantDiscreet fails if err repeats what was parsed. Short texts occur in our
// own words.
func wantDiscreet(t *testing.T, err error, parsed string) {
	t.Helper()
	if len(parsed) >= 16 && strings.Contains(err.Error(), parsed) {
		t.Error("the error repeats what was parsed")
	}
}

func FuzzParseName(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		name, err := secrets.ParseName(s)
		if (err == nil) != label.MatchString(s) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			wantError(t, err, secrets.ErrInvalidName)
			wantDiscreet(t, err, s)
			return
		}
		want(t, string(name), s)
		env := secrets.EnvName(name)
		if _, err := secrets.NewEnvironment(secrets.Variable{Name: env, Value: secrets.Text("v"), Secret: name}); err != nil {
			t.Errorf("%q goes to %s: %v", s, env, err)
		}
		back := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(env, "_")), "_", "-")
		want(t, back, s) // so that no two names have one variable
	})
}

func FuzzCheckEnv(f *testing.F) {
	f.Fuzz(func(t *testing.T, env string) {
		if err := secrets.CheckEnv(env, env); (err == nil) != variable.MatchString(env) {
			t.Errorf("%q, allowed by name: %v", env, err)
		}
		err := secrets.CheckEnv(env)
		if err == nil && privileged.MatchString(env) {
			t.Errorf("%q is allowed", env)
		}
		if err != nil {
			wantError(t, err, secrets.ErrInvalidEnv)
		}
		if err != nil && !variable.MatchString(env) {
			wantDiscreet(t, err, env)
		}
		if variable.MatchString(env) && (err == nil) != (secrets.CheckEnv(strings.ToLower(env)) == nil) {
			t.Errorf("%q: %v, and otherwise in lower case", env, err)
		}
	})
}

// FuzzParseToken takes the fuzzer's bytes for the text of a token, and for what
// is inside one.
func FuzzParseToken(f *testing.F) {
	store := memory.New()
	f.Cleanup(func() { store.Close() })
	f.Fuzz(func(t *testing.T, s string) {
		for _, text := range []string{s, tokenText(s)} {
			token, err := secrets.ParseToken(text)
			if err != nil {
				wantError(t, err, secrets.ErrUnauthenticated)
				wantDiscreet(t, err, text)
				continue
			}
			want(t, token.Reveal(), text)
			want(t, tokenText(tokenFields(text)), text) // so that no token has two texts
			_, err = secrets.Connect(t.Context(), store, token)
			var failed *secrets.Error
			if !errors.As(err, &failed) || !errors.Is(err, secrets.ErrUnauthenticated) {
				t.Fatalf("of a store without tokens: %v", err)
			}
			if !label.MatchString(string(failed.Organization)) || !label.MatchString(string(failed.Service)) {
				t.Errorf("a token of %q in %q", failed.Service, failed.Organization)
			}
		}
	})
}

// tokenText returns the text of a token with these fields: by chance alone no
// fuzzer finds their checksum.
func tokenText(fields string) string {
	b := binary.BigEndian.AppendUint32([]byte(fields), crc32.ChecksumIEEE([]byte(fields)))
	return "sks1_" + base64.RawURLEncoding.EncodeToString(b)
}

// tokenFields returns the fields in the text of a token.
func tokenFields(text string) string {
	b, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "sks1_")) // as far as it can be read
	return string(b[:max(0, len(b)-crc32.Size)])
}

// FuzzRecords puts the fuzzer's bytes into one of the records of a service that
// is granted a secret, in place of a part of it or of all. Whoever reads it gets
// the truth or is refused, and ends. If the grant can be made again, it holds.
func FuzzRecords(f *testing.F) {
	fix := newFixture(f)
	fix.give(f, "a", "one")
	token := fix.token(f)
	all := entries(f, fix.store, "")
	truth := fix.answers(f, token)
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, data []byte) {
		e := all[int(which)%len(all)]
		e.Value = splice(e.Value, int(at), int(cut), data)
		if len(e.Key)+len(e.Value) > storage.MaxEntry {
			return
		}
		c := fix.clone(t)
		restore(t, c.store, []storage.Entry{e})
		c.client = c.open(t, c.store) // which has seen nothing
		for what, got := range c.answers(t, token) {
			if got != truth[what] && got != answerRefused && got != answerGone {
				t.Errorf("%s of a changed %s: %s, want %s", what, e.Key, got, truth[what])
			}
		}
		if _, err := c.api.Grant(t.Context(), "a", ""); err == nil {
			want(t, lookup(t.Context(), c.api, "A"), "one")
		}
	})
}

// splice puts data in the place of cut bytes at an offset, as far as there are
// that many.
func splice(value []byte, at, cut int, data []byte) []byte {
	at = min(at, len(value))
	return slices.Concat(value[:at], data, value[min(at+cut, len(value)):])
}

// What a changed record may lead to instead of the truth.
const (
	answerRefused = "refused"             // with an error that is meant for it
	answerGone    = "environment without" // whoever can write can delete
)

// answers returns what can be asked about the fixture's secret and service.
func (f *fixture) answers(t testing.TB, token secrets.Token) map[string]string {
	t.Helper()
	ctx, all := t.Context(), map[string]string{}
	add := func(what string, got any, err error) bool {
		all[what] = answer(got, err)
		return err == nil
	}
	if session, err := secrets.Connect(ctx, f.store, token); add("session", nil, err) {
		env, err := session.Environment(ctx)
		add("environment of the session", env, err)
	}
	org, err := f.client.Organization(ctx, "acme")
	if !add("organization", nil, err) {
		return all
	}
	secret, err := org.Secret(ctx, "a")
	add("secret", secret, err)
	value, err := org.RevealSecret(ctx, "a")
	add("value", value.Reveal(), err)
	grants, err := org.Usage(ctx, "a")
	add("usage", grants, err)
	for listed, err := range org.Secrets(ctx, nil) {
		add("listed secret", listed, err)
	}
	for listed, err := range org.Services(ctx, nil) {
		add("listed service", listed, err)
	}
	api, err := org.Service(ctx, "api")
	if !add("service", nil, err) {
		return all
	}
	grants, err = api.Grants(ctx)
	add("grants", grants, err)
	tokens, err := api.Tokens(ctx)
	add("tokens", tokens, err)
	env, err := api.Environment(ctx)
	add("environment", env, err)
	return all
}

func answer(got any, err error) string {
	for _, known := range []error{secrets.ErrTampered, secrets.ErrNotFound, secrets.ErrWrongRoot, secrets.ErrUnauthenticated} {
		if errors.Is(err, known) {
			return answerRefused
		}
	}
	if err != nil {
		return err.Error()
	}
	env, ok := got.(*secrets.Environment)
	if !ok {
		return fmt.Sprintf("%+v", got)
	}
	for v := range env.All() {
		return fmt.Sprintf("environment with %s=%s of %s %s, version %d", v.Name, v.Value.Reveal(), v.Secret, v.ID, v.Version)
	}
	return answerGone
}
