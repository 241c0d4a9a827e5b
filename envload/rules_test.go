package envload_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// The tests of this file hold for all three functions alike. They may not run
// in parallel, since Load changes the environment.

// unset makes sure that the variable is as it was when the test ends.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "") // remembers what was there
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrivilegedVariablesAreRefused(t *testing.T) {
	for _, name := range []string{"PATH", "LD_PRELOAD", "GODEBUG", "https_proxy", "SECRETS_TOKEN"} {
		src := secretstest.Environment(t, vars{name: "x", "ENVLOAD_A": "y"})
		for call, err := range calls(t.Context(), src, envload.Options{Allow: []string{"OTHER"}}) {
			if !errors.Is(err, secrets.ErrInvalidEnv) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %s: got %v", call, name, err)
			}
		}
	}
	if _, set := os.LookupEnv("ENVLOAD_A"); set {
		t.Error("another variable was set all the same")
	}
}

func TestPrivilegedVariablesCanBeAllowedByName(t *testing.T) {
	unset(t, "RES_OPTIONS")
	src := secretstest.Environment(t, vars{"RES_OPTIONS": "x"})
	for call, err := range calls(t.Context(), src, envload.Options{Allow: []string{"res_options"}}) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestRequiredVariablesMustBeThereAndNotEmpty(t *testing.T) {
	unset(t, "ENVLOAD_A", "ENVLOAD_B", "ENVLOAD_C")
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "", "ENVLOAD_B": "x"})
	opts := envload.Options{Required: []string{"ENVLOAD_C", "ENVLOAD_B", "ENVLOAD_A", "envload_b", "ENVLOAD_C"}}
	for call, err := range calls(t.Context(), src, opts) {
		if !errors.Is(err, envload.ErrMissing) {
			t.Errorf("%s: got %v", call, err)
		}
		wantProblems(t, err,
			"ENVLOAD_A: missing: it is required, but empty",
			"ENVLOAD_C: missing: it is required, but neither granted nor set",
			"envload_b: missing: it is required, but neither granted nor set")
	}
}

func TestRequiredVariablesMayExistWithoutGrant(t *testing.T) {
	t.Setenv("ENVLOAD_A", "x")
	src := secretstest.Environment(t, nil)
	required := []string{"ENVLOAD_A"}
	if _, err := envload.Load(t.Context(), src, &envload.Options{Required: required}); err != nil {
		t.Errorf("Load: %v", err)
	}
	if _, err := envload.Parse[struct{}](t.Context(), src, &envload.Options{Required: required}); err != nil {
		t.Errorf("Parse: %v", err)
	}
	if _, err := envload.Environ(t.Context(), src, &envload.Options{Required: required}); !errors.Is(err, envload.ErrMissing) {
		t.Errorf("Environ took the environment of the process: %v", err)
	}
	if _, err := envload.Environ(t.Context(), src, &envload.Options{Required: required, Base: os.Environ()}); err != nil {
		t.Errorf("Environ: %v", err)
	}
}

func TestAnExistingEmptyVariableExists(t *testing.T) {
	t.Setenv("ENVLOAD_A", "")
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "x"})
	required := []string{"ENVLOAD_A"}
	_, err := envload.Load(t.Context(), src, &envload.Options{Required: required})
	wantProblems(t, err, "ENVLOAD_A: missing: it is required, but exists and is empty, which wins over the secret (see Options.Existing)")
	_, err = envload.Parse[struct{}](t.Context(), src, &envload.Options{Required: required})
	wantProblems(t, err, "ENVLOAD_A: missing: it is required, but exists and is empty, which wins over the secret (see Options.Existing)")
	_, err = envload.Environ(t.Context(), src, &envload.Options{Required: required, Base: []string{"ENVLOAD_A="}})
	wantProblems(t, err, "ENVLOAD_A: missing: it is required, but exists and is empty, which wins over the secret (see Options.Existing)")
	for call, err := range calls(t.Context(), src, envload.Options{Existing: envload.Fail, Base: os.Environ()}) {
		if !errors.Is(err, envload.ErrExisting) {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

func TestExistingVariables(t *testing.T) {
	type config struct {
		A string `env:"ENVLOAD_A"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "secret"})
	for rule, want := range map[envload.Existing]string{envload.Keep: "old", envload.Overwrite: "secret"} {
		t.Setenv("ENVLOAD_A", "old")
		got, err := envload.Parse[config](t.Context(), src, &envload.Options{Existing: rule})
		if err != nil || got.A != want {
			t.Errorf("Parse, rule %d: got %q, %v", rule, got.A, err)
		}
		got, err = envload.Parse[config](t.Context(), src, &envload.Options{Existing: rule, Base: []string{"ENVLOAD_A=old"}})
		if err != nil || got.A != want {
			t.Errorf("Parse with Base, rule %d: got %q, %v", rule, got.A, err)
		}
		list, err := envload.Environ(t.Context(), src, &envload.Options{Existing: rule, Base: []string{"ENVLOAD_A=old"}})
		if err != nil || len(list) != 1 || list[0] != "ENVLOAD_A="+want {
			t.Errorf("Environ, rule %d: got %q, %v", rule, list, err)
		}
		if os.Getenv("ENVLOAD_A") != "old" {
			t.Error("the environment was changed")
		}
		if _, err := envload.Load(t.Context(), src, &envload.Options{Existing: rule}); err != nil {
			t.Error(err)
		}
		if got := os.Getenv("ENVLOAD_A"); got != want {
			t.Errorf("Load, rule %d: got %q", rule, got)
		}
	}
}

// outside ends what is said of a variable that was not the secret's.
const outside = "; the variable existed already, which wins over the secret (see Options.Existing)"

// Who looks for the fault in the secret would not find it there.
func TestProblemWithAVariableThatExistedSaysThatItWasNotTheSecret(t *testing.T) {
	t.Parallel()
	type config struct {
		URL  string `env:"ENVLOAD_URL,notEmpty"`
		Size int    `env:"ENVLOAD_SIZE"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_URL": "granted", "ENVLOAD_SIZE": "5"})
	_, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{"ENVLOAD_URL=", "ENVLOAD_SIZE=abc"}})
	wantProblems(t, err,
		"ENVLOAD_SIZE (field Size, type int): the value does not parse"+outside,
		"ENVLOAD_URL (field URL, type string): missing: it is empty"+outside,
	)
}

func TestExistingVariablesCanBeAnError(t *testing.T) {
	t.Setenv("ENVLOAD_A", "old")
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "secret", "ENVLOAD_B": "secret"})
	opts := envload.Options{Existing: envload.Fail, Base: []string{"ENVLOAD_A=old"}}
	for call, err := range calls(t.Context(), src, opts) {
		if !errors.Is(err, envload.ErrExisting) || !strings.Contains(err.Error(), `ENVLOAD_A (secret "envload-a"): already set`) {
			t.Errorf("%s: got %v", call, err)
		}
	}
	if got := os.Getenv("ENVLOAD_A"); got != "old" {
		t.Errorf("got %q", got)
	}
}

func TestCaseMakesAnotherVariable(t *testing.T) {
	t.Setenv("envload_a", "old")
	unset(t, "ENVLOAD_A")
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "secret"})
	for call, err := range calls(t.Context(), src, envload.Options{Existing: envload.Fail}) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	if os.Getenv("envload_a") != "old" || os.Getenv("ENVLOAD_A") != "secret" {
		t.Error("the two are not apart")
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	const value = "hunter2hunter2"
	src := secretstest.Environment(t, nil)
	refused := map[string]envload.Options{
		"unknown rule":             {Existing: 3},
		"negative rule":            {Existing: -1},
		"Required of no name":      {Required: []string{value + "="}},
		"Required of empty name":   {Required: []string{""}},
		"Base without equals sign": {Base: []string{"A=1", value}},
		"Base without name":        {Base: []string{"=" + value}},
		"Base with NUL":            {Base: []string{"A=" + value + "\x00"}},
		"Base with NUL in name":    {Base: []string{"A\x00=" + value}},
		"empty in Base":            {Base: []string{""}},
	}
	for name, opts := range refused {
		for call, err := range calls(t.Context(), src, opts) {
			if !errors.Is(err, envload.ErrOptions) {
				t.Errorf("%s: %s: got %v", call, name, err)
			} else if strings.Contains(err.Error(), value) {
				t.Errorf("%s: %s: the error carries the value", call, name)
			}
		}
	}
	_, err := envload.Environ(t.Context(), src, &envload.Options{Base: []string{"A=1", "B", "C"}})
	wantProblems(t, err, "entry 1 of Base: invalid options: it is not of the form KEY=VALUE",
		"entry 2 of Base: invalid options: it is not of the form KEY=VALUE")
}

func TestOneErrorListsEverythingSorted(t *testing.T) {
	unset(t, "ENVLOAD_MISSING")
	src := secretstest.Environment(t, vars{"PATH": "x", "HOME": "x", "ENVLOAD_BIG": strings.Repeat("x", 128<<10)})
	opts := &envload.Options{Required: []string{"ENVLOAD_MISSING"}, Existing: envload.Fail, Base: []string{"HOME=/", "oops"}}
	for range 20 {
		_, err := envload.Environ(t.Context(), src, opts)
		wantProblems(t, err,
			"entry 1 of Base: invalid options: it is not of the form KEY=VALUE",
			`ENVLOAD_BIG (secret "envload-big"): too large for an environment: a variable may have 131071 bytes with its name`,
			"ENVLOAD_MISSING: missing: it is required, but neither granted nor set",
			`HOME (secret "home"): already set`,
			`HOME (secret "home"): invalid environment variable HOME: it changes how programs run, or is reserved; Options.AllowEnv, and Options.Allow of envload, admit it by name`,
			`PATH (secret "path"): invalid environment variable PATH: it changes how programs run, or is reserved; Options.AllowEnv, and Options.Allow of envload, admit it by name`)
		for _, is := range []error{envload.ErrOptions, envload.ErrTooLarge, envload.ErrMissing, envload.ErrExisting, secrets.ErrInvalidEnv} {
			if !errors.Is(err, is) {
				t.Errorf("the error is not %v", is)
			}
		}
		if e, ok := errors.AsType[*secrets.EnvError](err); !ok || e.Env != "HOME" {
			t.Errorf("got %v", e)
		}
		if p, ok := errors.AsType[envload.Problem](err); !ok || p.Env != "" {
			t.Errorf("got %v", p)
		}
	}
}
