package secrets_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"database-url", "2fa-key", "a", "", "-a", "a-", "A", "a_b", "a/b", "a.b", "ä", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := secrets.ParseName(s)
		if err != nil {
			if len(s) >= 8 && strings.Contains(err.Error(), s) && !strings.Contains("invalid name: only lower-case letters, digits and dashes are allowed it is longer than 63 bytes", s) {
				t.Errorf("the error repeats the name")
			}
			return
		}
		if string(name) != s || len(s) == 0 || len(s) > 63 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q became the name %q", s, name)
		}
		env := secrets.EnvName(name)
		back := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(env, "_")), "_", "-")
		if back != s {
			t.Errorf("%q goes to %s, which is %q", s, env, back)
		}
	})
}

func FuzzCheckEnv(f *testing.F) {
	for _, s := range []string{"DATABASE_URL", "PATH", "path", "A=B", "A\x00", "1A", "_1", "", strings.Repeat("A", 129), "DYLD_X"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, env string) {
		if secrets.CheckEnv(env) != nil {
			return
		}
		if strings.ContainsAny(env, "=\x00\n ") || env == "" || len(env) > 128 || strings.EqualFold(env, "PATH") {
			t.Errorf("%q is allowed", env)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	fix := newFixture(f)
	token := fix.token(f)
	f.Add(token.Reveal())
	f.Add("")
	f.Add("sks1_")
	f.Add(token.Reveal()[:40])
	f.Add(token.Reveal() + "\n")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := secrets.ParseToken(s)
		if err == nil && parsed.Reveal() != s {
			t.Error("a token has two texts")
		}
		if err != nil && len(s) >= 8 && strings.Contains(err.Error(), s) {
			t.Error("the error repeats the token")
		}
	})
}

// FuzzRecords puts bytes of the fuzzer's into each kind of record: whatever
// reads them gives an error or the truth, and ends.
func FuzzRecords(f *testing.F) {
	fix := newFixture(f)
	fix.give(f, "a", "one")
	token := fix.token(f)
	all := entries(f, fix.store, "")
	for i, e := range all {
		f.Add(uint8(i), e.Value)
		f.Add(uint8(i), []byte{1, 0, 0xa1, 1, 0x9a, 0xff, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		e := all[int(which)%len(all)]
		if len(data) > storage.MaxEntry-len(e.Key) {
			return
		}
		c := fix.clone(t)
		restore(t, c.store, []storage.Entry{{Key: e.Key, Value: data}})
		if session, err := secrets.Connect(t.Context(), c.store, token); err == nil {
			if got := lookup(t.Context(), session, "A"); got != "one" && got != "absent" && got != secrets.ErrTampered.Error() && got != secrets.ErrUnauthenticated.Error() {
				t.Errorf("session reads %q", got)
			}
		}
		if org, err := c.open(t, c.store).Organization(t.Context(), "acme"); err == nil {
			if v, err := org.RevealSecret(t.Context(), "a"); err == nil && v.Reveal() != "one" {
				t.Errorf("reveals %q", v.Reveal())
			}
		}
	})
}
