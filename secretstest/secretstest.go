// Package secretstest helps to test programs that use secrets.
//
//	env := secretstest.Environment(t, map[string]string{"DATABASE_URL": "postgres://localhost/test"})
//	hermetic := &envload.Options{Base: []string{}}                    // nothing from the shell
//	config, err := envload.Parse[Config](t.Context(), env, hermetic)  // no store, no token
//
//	org, store := secretstest.New(t)                                  // the whole engine, in memory
//
//	secretstest.NoLeak(t, func() error { return run(dsn) }, dsn)      // no error and no log line carries dsn
//
// # The shell's variables
//
// Without that Base, envload.Parse reads the environment of the process too,
// and a variable that exists there wins over the secret: the test would depend
// on what the developer's shell or the CI exports. A Base that is empty, and
// not nil, stands for no variables at all; put into it those that the test
// means ("PORT=8080"). envload.Load takes no Base: a test of it calls t.Setenv
// for each variable, which also puts the old one back, and says
// Existing: envload.Overwrite.
//
// # Concurrency
//
// Parallel tests may call all three functions, each from its own goroutine,
// since they may end the test. What [Environment] and [New] return may be used
// from several goroutines. [NoLeak] takes over the loggers and the output of
// the process: see there.
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
