package secrets_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// No variable carries a NUL (CVE-2022-41716), whichever way the two meet. The
// test is not parallel: it captures what is printed.
func TestCVE202241716NULDoesNotReachAVariable(t *testing.T) {
	f := newFixture(t)
	nul := secrets.Text(canary + "\x00")
	f.give(t, "plain", canary)
	if _, err := f.org.CreateSecret(t.Context(), "binary", nul); err != nil {
		t.Fatal(err) // no variable is concerned
	}
	updating := valueCalls(f.org, "plain", nul)[1:] // it exists
	for _, err := range wantRefused(t, f, secrets.ErrInvalidEnv, updating) {
		wantEnv(t, err, "PLAIN", "")
	}
	granting := grantCalls(f.api, "binary")[:1]
	wantEnv(t, wantRefused(t, f, secrets.ErrInvalidEnv, granting)[0], "ELSEWHERE", "")

	if _, err := f.api.Grant(t.Context(), "binary", secrets.NoEnv); err != nil {
		t.Fatal(err)
	}
	wantEnv(t, wantRefused(t, f, secrets.ErrInvalidEnv, granting)[0], "ELSEWHERE", "")
	if _, err := f.org.UpdateSecret(t.Context(), "binary", secrets.Text("\x00\x00"), nil); err != nil {
		t.Fatal(err)
	}
	env, err := f.connect(t, f.token(t)).Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := env.Secret("binary"); !ok || v.Reveal() != "\x00\x00" {
		t.Error("the app does not find what it was granted without a variable")
	}
}

// TestBadVariablesAreRefused is not parallel: it captures what is printed.
func TestBadVariablesAreRefused(t *testing.T) {
	f := newFixture(t)
	if _, err := f.org.CreateSecret(t.Context(), "a", secrets.Text(canary)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ what, env string }{
		{"a value", canary},
		{"digit first", "1A"},
		{"dash", "A-B"},
		{"two dashes", "--"},
		{"NoEnv with a space", "- "},
		{"leading space", " CANARY7F3A9C"},
		{"trailing space", "CANARY7F3A9C "},
		{"space alone", " "},
		{"equals sign", "CANARY7F3A9C=HUNTER2"},
		{"NUL", "CANARY7F3A9C\x00"},
		{"newline", "CANARY7F3A9C\nLD_PRELOAD"},
		{"slash", "CANARY7F3A9C/B"},
		{"dot", "CANARY7F3A9C.B"},
		{"dollar", "$CANARY7F3A9C"},
		{"function of bash", "BASH_FUNC_canary%%"},
		{"full-width A", "\uff21CANARY7F3A9C"},
		{"long s, S in upper case", "CANARY7F3A9C_\u017f"},
		{"not UTF-8", "CANARY7F3A9C\xff"},
		{"129 bytes", strings.Repeat("A", 129)},
		{"very long", strings.Repeat("CANARY7F3A9C", 1<<16)},
	} {
		t.Run(bad.what, func(t *testing.T) {
			calls := newEnvironment("a", secrets.Variable{Name: bad.env, Value: secrets.Text(canary), Secret: "a"})
			calls = append(calls, grantCall(f.api, "a", bad.env, ""))
			for _, err := range wantRefused(t, f, secrets.ErrInvalidEnv, calls, canariesOf(bad.env)...) {
				wantEnv(t, err, "", "")
			}
		})
	}
}

// TestEnvironmentsThatContradictThemselvesAreRefused is not parallel: it
// captures what is printed.
func TestEnvironmentsThatContradictThemselvesAreRefused(t *testing.T) {
	f := newFixture(t)
	value := secrets.Text(canary)
	for what, bad := range map[string]struct {
		vars          []secrets.Variable
		is            error
		secret, taken secrets.Name
		env           string
	}{
		"one variable twice": {
			vars: []secrets.Variable{{Name: "A", Value: value, Secret: "a"}, {Name: "A", Value: value, Secret: "b"}},
			is:   secrets.ErrInvalidEnv, secret: "b", env: "A", taken: "a",
		},
		"variables that differ in case": {
			vars: []secrets.Variable{{Name: "a_1", Value: value, Secret: "a"}, {Name: "A_1", Value: value, Secret: "b"}},
			is:   secrets.ErrInvalidEnv, secret: "a", env: "a_1", taken: "b",
		},
		"one secret twice": {
			vars: []secrets.Variable{{Name: "A", Value: value, Secret: "a"}, {Name: "B", Value: value, Secret: "a"}},
			is:   secrets.ErrExists, secret: "a",
		},
		"NUL": {
			vars: []secrets.Variable{{Name: "A", Value: secrets.Text(canary + "\x00"), Secret: "a"}},
			is:   secrets.ErrInvalidEnv, secret: "a", env: "A",
		},
	} {
		t.Run(what, func(t *testing.T) {
			errs := wantRefused(t, f, bad.is, newEnvironment(bad.secret, bad.vars...))
			if bad.is == secrets.ErrInvalidEnv {
				wantEnv(t, errs[0], bad.env, bad.taken)
			}
		})
	}
}

// newEnvironment is the call of NewEnvironment that fails because of secret.
func newEnvironment(secret secrets.Name, vars ...secrets.Variable) []call {
	return []call{{
		at: secrets.Error{Op: "new environment", Secret: secret},
		do: func(context.Context) error { return failure(secrets.NewEnvironment(vars...)) },
	}}
}

// wantEnv fails the test unless err is an EnvError with a reason, about env.
func wantEnv(t *testing.T, err error, env string, taken secrets.Name) {
	t.Helper()
	var e *secrets.EnvError
	if !errors.As(err, &e) {
		t.Errorf("%T is not an *EnvError", err)
		return
	}
	if diff := cmp.Diff(secrets.EnvError{Env: env, Taken: taken}, secrets.EnvError{Env: e.Env, Taken: e.Taken}); diff != "" {
		t.Errorf("another variable (-want +got):\n%s", diff)
	}
	if e.Rule == "" && e.Taken == "" {
		t.Error("no reason")
	}
}
