// Package secretstest helps to test programs that use secrets.
//
//	env := secretstest.Environment(t, map[string]string{"DATABASE_URL": "postgres://localhost/test"})
//	config, err := envload.Parse[Config](t.Context(), env, nil)   // no store, no token
//
//	org, store := secretstest.New(t)                               // the whole engine, in memory
//
//	secretstest.NoLeak(t, func() error { return run(dsn) }, dsn)   // no error and no log line carries dsn
package secretstest

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// Environment returns an environment of vars, which is a [secrets.Source] for
// the functions of the package envload. Each variable comes from a secret of
// the name that [secrets.EnvName] turns into it, if there is one, in version 1.
// A name that is none of a variable ends the test.
func Environment(t testing.TB, vars map[string]string) *secrets.Environment {
	t.Helper()
	list := make([]secrets.Variable, 0, len(vars))
	for name, value := range vars {
		list = append(list, secrets.Variable{
			Name:    name,
			Value:   secrets.Text(value),
			Secret:  secretName(name),
			ID:      "00000000000000000000000000000001",
			Version: 1,
		})
	}
	env, err := secrets.NewEnvironment(list...)
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	return env
}

// secretName returns the secret that goes to the variable env by default.
func secretName(env string) secrets.Name {
	text := strings.ToLower(strings.ReplaceAll(env, "_", "-"))
	if name, err := secrets.ParseName(text); err == nil && secrets.EnvName(name) == env {
		return name
	}
	if name, err := secrets.ParseName(strings.TrimPrefix(text, "-")); err == nil && secrets.EnvName(name) == env {
		return name
	}
	return ""
}
