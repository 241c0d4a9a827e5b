package secrets_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

func TestValuesAreEqualByTheirBytes(t *testing.T) {
	t.Parallel()
	for _, pair := range []struct {
		a, b  secrets.Value
		equal bool
	}{
		{secrets.Text("hunter2"), secrets.Bytes([]byte("hunter2")), true},
		{secrets.Text("\x00\xff"), secrets.Bytes([]byte{0, 0xff}), true},
		{secrets.Value{}, secrets.Text(""), true},
		{secrets.Value{}, secrets.Bytes(nil), true},
		{secrets.Text("hunter2"), secrets.Text("hunter3"), false},
		{secrets.Text("hunter2"), secrets.Text("Hunter2"), false},
		{secrets.Text("hunter2"), secrets.Text("hunter2 "), false},
		{secrets.Text("hunter2"), secrets.Text("hunter2\x00"), false},
		{secrets.Text("hunter2"), secrets.Value{}, false},
		{secrets.Text(secrets.Redacted), secrets.Text("hunter2"), false},
		{secrets.Text("\u00e9"), secrets.Text("e\u0301"), false},
	} {
		if pair.a.Equal(pair.b) != pair.equal || pair.b.Equal(pair.a) != pair.equal {
			t.Errorf("%q and %q: equal is not %v", pair.a.Reveal(), pair.b.Reveal(), pair.equal)
		}
	}
}

func TestValuesKnowTheirLength(t *testing.T) {
	t.Parallel()
	for text, n := range map[string]int{"": 0, "\x00": 1, "\u00e9": 2, strings.Repeat("x", secrets.MaxValue+1): secrets.MaxValue + 1} {
		v := secrets.Text(text)
		if v.Len() != n || v.IsZero() != (n == 0) || len(v.RevealBytes()) != n {
			t.Errorf("%d bytes: Len gives %d, IsZero %v", n, v.Len(), v.IsZero())
		}
	}
	if v := (secrets.Value{}); v.Len() != 0 || !v.IsZero() || v.Reveal() != "" || len(v.RevealBytes()) != 0 {
		t.Error("the zero Value is not empty")
	}
}

func TestBytesOfAValueAreCopiedBothWays(t *testing.T) {
	t.Parallel()
	given := []byte("hunter2")
	made := secrets.Bytes(given)
	clear(given)
	want(t, made.Reveal(), "hunter2")
	clear(made.RevealBytes())
	want(t, made.Reveal(), "hunter2")

	text := []byte("hunter2")
	var read secrets.Value
	if err := read.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	want(t, read.Reveal(), "hunter2")
	if err := read.UnmarshalBinary([]byte("hunter3")); err != nil {
		t.Fatal(err)
	}
	want(t, read.Reveal(), "hunter3")

	for _, marshal := range []func() ([]byte, error){made.MarshalText, made.MarshalJSON, made.MarshalBinary} {
		placeholder, err := marshal()
		if err != nil || len(placeholder) == 0 {
			t.Fatal(err)
		}
		clear(placeholder)
		again, err := marshal()
		if err != nil || !strings.Contains(string(again), secrets.Redacted) {
			t.Errorf("the placeholder was changed to %q, %v", again, err)
		}
	}
}

func TestBytesOfASecretAreCopiedBothWays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	given := []byte("hunter2")
	if _, err := f.org.CreateSecret(t.Context(), "a", secrets.Bytes(given)); err != nil {
		t.Fatal(err)
	}
	clear(given)
	if _, err := f.api.Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		v, err := f.org.RevealSecret(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		want(t, v.Reveal(), "hunter2")
		clear(v.RevealBytes())
		want(t, lookup(t.Context(), f.api, "A"), "hunter2")
	}
}

func TestVariablesOfAnEnvironmentAreCopied(t *testing.T) {
	t.Parallel()
	vars := []secrets.Variable{{Name: "B", Value: secrets.Text("two")}, {Name: "A", Value: secrets.Text("one")}}
	env, err := secrets.NewEnvironment(vars...)
	if err != nil {
		t.Fatal(err)
	}
	want(t, vars[0].Name, "B") // not sorted in place
	clear(vars)
	for v := range env.All() {
		v.Value = secrets.Value{}
	}
	want(t, lookup(t.Context(), env, "A")+lookup(t.Context(), env, "B"), "onetwo")
}

func TestThePlaceholderIsNoValue(t *testing.T) {
	t.Parallel()
	type config struct{ Value secrets.Value }
	for how, decode := range map[string]func(*config) error{
		"text":   func(c *config) error { return c.Value.UnmarshalText([]byte(secrets.Redacted)) },
		"binary": func(c *config) error { return c.Value.UnmarshalBinary([]byte(secrets.Redacted)) },
		"JSON":   func(c *config) error { return json.Unmarshal([]byte(`{"Value":"[redacted]"}`), c) },
		"escaped JSON": func(c *config) error {
			return json.Unmarshal([]byte(`{"Value":"\u005bredacted]"}`), c)
		},
		"XML": func(c *config) error { return xml.Unmarshal([]byte(`<config><Value>[redacted]</Value></config>`), c) },
		"gob": func(c *config) error {
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).Encode(config{secrets.Text("other")}); err != nil {
				t.Fatal(err)
			}
			return gob.NewDecoder(&b).Decode(c)
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			c := config{secrets.Text("before")}
			if err := decode(&c); err == nil {
				t.Error("the placeholder was taken for a value")
			}
			want(t, c.Value.Reveal(), "before")
		})
	}
}

func TestValuesAreReadFromConfiguration(t *testing.T) {
	t.Parallel()
	type config struct{ Value secrets.Value }
	for how, decode := range map[string]func(*config) error{
		"JSON": func(c *config) error { return json.Unmarshal([]byte(`{"Value":"hunter2"}`), c) },
		"XML":  func(c *config) error { return xml.Unmarshal([]byte(`<config><Value>hunter2</Value></config>`), c) },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var c config
			if err := decode(&c); err != nil {
				t.Fatal(err)
			}
			want(t, c.Value.Reveal(), "hunter2")
		})
	}
}
