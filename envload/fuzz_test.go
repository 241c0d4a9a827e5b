package envload_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// fuzzed returns an environment with value in the variable name, or nil if there
// is no such variable.
func fuzzed(name, value string) *secrets.Environment {
	env, err := secrets.NewEnvironment(secrets.Variable{Name: name, Value: secrets.Text(value), Secret: "fuzzed", Version: 1})
	if err != nil || env.Len() == 0 {
		return nil
	}
	return env
}

// FuzzParse fills a struct with every kind of field from any variable. Text
// must arrive unchanged, and an error must not show the value.
func FuzzParse(f *testing.F) {
	type leaf struct {
		Text   string            `env:"TEXT"`
		Value  secrets.Value     `env:"TEXT"`
		Number int               `env:"NUMBER"`
		Wait   time.Duration     `env:"WAIT"`
		List   []float64         `env:"LIST" envSeparator:"|"`
		Map    map[string]string `env:"MAP"`
	}
	type config struct {
		leaf
		Leaf  leaf   `envPrefix:"P_"`
		Made  *leaf  `env:",init" envPrefix:"M_"`
		Items []leaf `envPrefix:"I"`
		Bare  []leaf
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		env := fuzzed(name, value)
		if env == nil {
			return
		}
		got, err := envload.Parse[config](t.Context(), env, &envload.Options{Base: []string{}, Allow: []string{name}})
		if err != nil {
			wantDiscreet(t, err, value)
			return
		}
		if name == "P_TEXT" && (got.Leaf.Text != value || got.Leaf.Value.Reveal() != value) {
			t.Errorf("got %q, want %q", got.Leaf.Text, value)
		}
	})
}

// wantDiscreet fails if err is not ours, or shows value. Short values occur in
// our own words.
func wantDiscreet(t *testing.T, err error, value string) {
	t.Helper()
	if _, ok := errors.AsType[*envload.Error](err); !ok {
		t.Fatalf("got %T", err)
	}
	own := (&envload.Error{Problems: []envload.Problem{{Err: envload.ErrParse}}}).Error()
	if len(value) > 6 && strings.Contains(err.Error(), value) && !strings.Contains(own, value) {
		t.Error("the error shows the value")
	}
}

// FuzzEnviron puts any variable beside any base. What comes out has the form
// KEY=VALUE, each name once, and the variable with its value.
func FuzzEnviron(f *testing.F) {
	f.Fuzz(func(t *testing.T, name, value, first, second string) {
		env := fuzzed(name, value)
		if env == nil {
			return
		}
		base := []string{first, second}
		got, err := envload.Environ(t.Context(), env, &envload.Options{
			Base: base, Existing: envload.Overwrite, Allow: []string{name}, Required: []string{name},
		})
		if err != nil {
			wantDiscreet(t, err, value)
			return
		}
		seen := make(map[string]bool)
		for _, s := range got {
			key, _, ok := strings.Cut(s, "=")
			if !ok || key == "" || seen[key] || strings.Contains(s, "\x00") {
				t.Errorf("%q in %q", s, got)
			}
			seen[key] = true
			if s != name+"="+value && !slices.Contains(base, s) {
				t.Errorf("%q comes from nowhere", s)
			}
		}
		if !slices.Contains(got, name+"="+value) {
			t.Errorf("%s is not there", name)
		}
	})
}

// TestFuzzCorporaAreThere notices a corpus that was moved: fuzzing would go on
// from nothing, without a word.
func TestFuzzCorporaAreThere(t *testing.T) {
	t.Parallel()
	for target, least := range map[string]int{"FuzzParse": 12, "FuzzEnviron": 8} {
		if files, err := os.ReadDir(filepath.Join("testdata", "fuzz", target)); err != nil || len(files) < least {
			t.Errorf("%s: %d files, %v", target, len(files), err)
		}
	}
}
