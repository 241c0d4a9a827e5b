package envload_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// An absent source gives nothing, not even an error.
type absent struct{}

func (absent) Environment(context.Context) (*secrets.Environment, error) { return nil, nil }

// A call whose error was not looked at leaves a nil pointer behind.
func TestASourceThatIsNilIsAnError(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]secrets.Source{
		"nil":             nil,
		"nil Environment": (*secrets.Environment)(nil),
		"nil Session":     (*secrets.Session)(nil),
		"nil Service":     (*secrets.Service)(nil),
	} {
		for call, err := range calls(t.Context(), src, envload.Options{}) {
			if !errors.Is(err, envload.ErrOptions) || !strings.Contains(err.Error(), "the source is nil") {
				t.Errorf("%s: %s: got %v", call, name, err)
			}
		}
	}
	for call, err := range calls(t.Context(), absent{}, envload.Options{}) {
		if !errors.Is(err, envload.ErrOptions) || !strings.Contains(err.Error(), "neither an environment nor an error") {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

// This is what the package secretstest tells its users to do.
func TestWithAnEmptyBaseTheShellDoesNotMatter(t *testing.T) {
	t.Setenv("ENVLOAD_A", "of the shell")
	t.Setenv("ENVLOAD_B", "of the shell")
	type config struct {
		A string `env:"ENVLOAD_A"`
		B string `env:"ENVLOAD_B" envDefault:"none"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "of the test"})
	got, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{}})
	if err != nil || got != (config{"of the test", "none"}) {
		t.Errorf("Parse: got %+v, %v", got, err)
	}
	if _, err := envload.Load(t.Context(), src, &envload.Options{Existing: envload.Overwrite}); err != nil {
		t.Fatal(err)
	}
	if a := os.Getenv("ENVLOAD_A"); a != "of the test" {
		t.Errorf("Load: got %q", a)
	}
}
