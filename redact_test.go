package secrets_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// The tests of this file are not parallel: what they print is captured.

// formats are all verbs of fmt, and some that are none, under each flag.
func formats() []string {
	var all []string
	for _, flags := range []string{"", "+", "#", "-", " ", "0", "9", ".3", "#+9.3", "-200", "[1]"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwZ!" {
			all = append(all, "%"+flags+string(verb))
		}
	}
	return all
}

// holders returns v in everything that may be printed around it.
func holders[T any](v T) map[string]any {
	type exported struct{ V T }
	type unexported struct{ v T }
	type pointer struct{ v *T }
	type dynamic struct{ v any }
	type nested struct {
		list []unexported
		by   map[string]*exported
	}
	return map[string]any{
		"itself":           v,
		"pointer":          &v,
		"pointer twice":    func() any { p := &v; return &p }(),
		"slice":            []T{v, v},
		"slice of any":     []any{v, &v},
		"array":            [2]T{v},
		"map":              map[string]T{"k": v},
		"map of pointers":  map[int]*T{1: &v},
		"exported field":   exported{v},
		"unexported field": unexported{v},
		"pointer field":    &pointer{&v},
		"any field":        dynamic{v},
		"any field, there": &dynamic{&unexported{v}},
		"nested":           nested{[]unexported{{v}}, map[string]*exported{"k": {v}}},
		"error":            holderError{v},
		"wrapped error":    fmt.Errorf("it failed: %w with %v", holderError{&v}, v),
		"joined errors":    errors.Join(holderError{unexported{v}}, errors.New(fmt.Sprint(v))),
		"reflection":       reflect.ValueOf(v),
		"function":         func() T { return v },
	}
}

// holderError is an error that prints what it holds.
type holderError struct{ v any }

func (e holderError) Error() string { return fmt.Sprintf("%v, %+v, %#v, %x", e.v, e.v, e.v, e.v) }

// holdersOfAll returns a value, a token and what has values inside, each in
// everything, with what may not be seen of them.
func holdersOfAll(t *testing.T) (map[string]any, []string) {
	t.Helper()
	f := newFixture(t)
	f.give(t, "a", canary)
	token := f.token(t)
	env, err := f.connect(t, token).Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	value := secrets.Text(canary)
	all := map[string]any{
		"embedded Value":  struct{ secrets.Value }{value},
		"embedded *Token": &struct{ *secrets.Token }{&token},
		"Environment":     *env,
		"client":          f.client,
		"organization":    f.org,
		"service":         f.api,
	}
	for what, v := range shown(t, f) {
		all[what] = v
	}
	add := func(what string, held map[string]any) {
		for how, holder := range held {
			all[what+", "+how] = holder
		}
	}
	add("Value", holders(value))
	add("Token", holders(token))
	add("Variable", holders(secrets.Variable{Name: "A", Value: value, Secret: "a"}))
	add("*Environment", holders(env))
	text := token.Reveal()
	return all, []string{canary, text, text[len(text)-40:]} // the last part is the key
}

// shown returns what else the calls of a client give, about a secret and a token.
func shown(t *testing.T, f *fixture) map[string]any {
	t.Helper()
	ctx, all := t.Context(), map[string]any{}
	add := func(what string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all[what] = v
	}
	secret, err := f.org.SetSecret(ctx, "a", secrets.Text(canary))
	add("Secret", secret, err)
	versions, err := f.org.Versions(ctx, "a")
	add("SecretVersion", versions, err)
	grants, err := f.api.Grants(ctx)
	add("Grant", grants, err)
	tokens, err := f.api.Tokens(ctx)
	add("TokenInfo", tokens, err)
	keys, err := f.org.KeyUsage(ctx)
	add("KeyInfo", keys, err)
	usage, err := f.client.RootUsage(ctx, f.root)
	add("RootUsage", usage, err)
	report, err := f.client.Verify(ctx, "acme")
	add("VerifyReport", report, err)
	damage(t, f.store, "org/acme/env/api/a")
	report, err = f.client.Verify(ctx, "acme")
	add("Finding", report, err)
	if len(report.Findings) == 0 {
		t.Error("nothing was found")
	}
	swept, err := f.client.Sweep(ctx)
	add("SweepReport", swept, err)
	made(t)(f.org.CreateSecret(ctx, "b", secrets.Text(canary)))
	add("Change, made", nil, f.org.Change(ctx, func(c *secrets.Change) error {
		all["Change, collected"] = c
		return errors.Join(c.SetSecret("a", secrets.Text(canary)), c.DeleteSecret("b", nil))
	}))
	receipt, err := f.org.ConfirmDeletion(ctx, "b")
	add("Receipt", receipt, err)
	all["UpdateOptions"], all["CacheOptions"] = secrets.UpdateOptions{}, secrets.CacheOptions{Path: "cache"}
	return all
}

func TestNoVerbPrintsAValueOrToken(t *testing.T) {
	all, canaries := holdersOfAll(t)
	for what, holder := range all {
		t.Run(what, func(t *testing.T) {
			secretstest.NoLeak(t, func() error {
				var b strings.Builder
				for _, format := range formats() {
					fmt.Fprintf(&b, format+"\n", holder)
				}
				fmt.Fprint(&b, holder, holder)
				fmt.Println(b.String(), holder)
				return fmt.Errorf("%v %w", holder, holderError{holder})
			}, canaries...)
		})
	}
}

func TestEveryVerbPrintsThePlaceholder(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	value := secrets.Text(canary)
	for _, format := range formats() {
		if strings.ContainsAny(format, "Tpw!") {
			continue // they do not ask the type: no format of its own
		}
		for _, v := range []any{value, &value, token, &token, secrets.Value{}, secrets.Token{}} {
			want(t, fmt.Sprintf(format, v), secrets.Redacted)
		}
	}
	for _, v := range []fmt.Stringer{value, token} {
		want(t, v.String()+v.(fmt.GoStringer).GoString(), secrets.Redacted+secrets.Redacted)
	}
	want(t, fmt.Sprintf("%v", struct{ V secrets.Value }{value}), "{"+secrets.Redacted+"}")
}

// encoders write v to the standard output or to the log. What one cannot encode
// it refuses, with an error or a panic that is looked at as well.
var encoders = []func(v any) error{
	func(v any) error { return json.NewEncoder(os.Stdout).Encode(v) },
	func(v any) error { return json.NewEncoder(os.Stdout).Encode(map[string]any{"v": v}) },
	func(v any) error { return xml.NewEncoder(os.Stdout).Encode(v) },
	func(v any) error { return gob.NewEncoder(os.Stdout).Encode(v) },
	func(v any) error {
		text := `{{.}} {{print .}} {{printf "%s %#v" . .}} {{html .}} {{js .}} {{urlquery .}} {{len .}}`
		return template.Must(template.New("").Parse(text)).Execute(os.Stdout, v)
	},
	func(v any) error {
		text := `<a href="{{.}}" onclick="f({{.}})" style="color: {{.}}">{{.}}</a>`
		return htmltemplate.Must(htmltemplate.New("").Parse(text)).Execute(os.Stdout, v)
	},
	func(v any) error { log.Print(v); log.Printf("%+v", v); return nil },
	func(v any) error { slog.Info("m", "v", v); return nil },
	func(v any) error { slog.With("v", v).WithGroup("g").Warn("m", slog.Group("h", "v", v)); return nil },
	func(v any) error {
		slog.New(slog.NewTextHandler(os.Stdout, nil)).Error("m", "v", v, "list", []any{v})
		return nil
	},
	func(v any) error {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("m", "v", v, "list", []any{v})
		return nil
	},
	func(v any) error {
		for _, other := range []any{nil, secrets.Text("other"), &secrets.Token{}, secrets.Variable{}, []secrets.Value{}} {
			fmt.Println(cmp.Diff(v, other, cmp.Exporter(func(reflect.Type) bool { return true })))
		}
		return nil
	},
	func(v any) error { fmt.Println(cmp.Diff(v, v), cmp.Diff(nil, v)); return nil }, // panics at unexported fields
}

func TestCVE20248365NoEncoderWritesAValueOrToken(t *testing.T) {
	all, canaries := holdersOfAll(t)
	for what, holder := range all {
		t.Run(what, func(t *testing.T) {
			secretstest.NoLeak(t, func() error {
				var errs []error
				for _, encode := range encoders {
					errs = append(errs, attempt(encode, holder))
				}
				return errors.Join(errs...)
			}, canaries...)
		})
	}
}

// attempt turns a panic into an error.
func attempt(encode func(any) error, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v, %#v", p, p)
		}
	}()
	return encode(v)
}

func TestEncodersWriteThePlaceholder(t *testing.T) {
	f := newFixture(t)
	type config struct {
		Value secrets.Value  `xml:",attr"`
		Token *secrets.Token `json:",omitzero"`
	}
	token := f.token(t)
	c := config{secrets.Text(canary), &token}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want(t, string(asJSON), `{"Value":"[redacted]","Token":"[redacted]"}`)
	asXML, err := xml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want(t, string(asXML), `<config Value="[redacted]"><Token>[redacted]</Token></config>`)
	var asGob, asText bytes.Buffer
	if err := gob.NewEncoder(&asGob).Encode(c); err != nil || bytes.Count(asGob.Bytes(), []byte(secrets.Redacted)) != 2 {
		t.Errorf("gob is without two placeholders: %v", err)
	}
	slog.New(slog.NewTextHandler(&asText, nil)).Info("m", "value", c.Value, "token", token)
	if !strings.HasSuffix(asText.String(), "value=[redacted] token=[redacted]\n") {
		t.Errorf("slog writes %s", asText.String())
	}
}

func TestDifferencesTellValuesApart(t *testing.T) {
	a, b := secrets.Variable{Value: secrets.Text(canary)}, secrets.Variable{Value: secrets.Text(canary + "2")}
	if cmp.Diff(a, b) == "" {
		t.Error("values that differ are equal")
	}
	if diff := cmp.Diff(a, secrets.Variable{Value: secrets.Bytes([]byte(canary))}); diff != "" {
		t.Errorf("equal values differ: %s", diff)
	}
}

func TestASessionDoesNotShowItsToken(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	token := f.token(t)
	session := f.connect(t, token)
	if _, err := session.Environment(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := token.Reveal()
	for what, holder := range holders(session) {
		t.Run(what, func(t *testing.T) {
			secretstest.NoLeak(t, func() error {
				for _, format := range formats() {
					fmt.Printf(format+"\n", holder)
				}
				for _, encode := range encoders {
					fmt.Println(attempt(encode, holder))
				}
				return nil
			}, canary, text, text[len(text)-40:])
		})
	}
}
