package envload_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// printEnvironment as the first argument makes this program print its
// environment instead of running the tests. It is no variable, so that a test
// can give a child exactly the environment that it means.
const printEnvironment = "print-environment"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == printEnvironment {
		if err := json.NewEncoder(os.Stdout).Encode(encoded(os.Environ())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		syscall.Exit(0) // os.Exit waits a second under the race detector
	}
	if len(os.Args) > 1 && os.Args[1] == failToStart {
		failStarting()
	}
	leaktest.Main(m)
}

// encoded turns strings into what JSON carries unchanged.
func encoded(list []string) [][]byte {
	result := make([][]byte, len(list))
	for i, s := range list {
		result[i] = []byte(s)
	}
	return result
}

// child starts this program with env and returns the environment that it sees.
func child(t *testing.T, env []string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], printEnvironment)
	cmd.Env = env
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	if err := json.Unmarshal(output, &list); err != nil {
		t.Fatal(err)
	}
	result := make([]string, len(list))
	for i, b := range list {
		result[i] = string(b)
	}
	return result
}

type vars = map[string]string

// problems returns those of err, which must be an *envload.Error, as text.
func problems(t *testing.T, err error) []string {
	t.Helper()
	all, ok := errors.AsType[*envload.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *envload.Error", err)
	}
	var texts []string
	for _, p := range all.Problems {
		texts = append(texts, p.Error())
	}
	return texts
}

func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A failing source, for the errors that pass through.
type failing struct{ err error }

func (f failing) Environment(context.Context) (*secrets.Environment, error) { return nil, f.err }

// calls runs all three functions with the same arguments and returns their
// errors: one set of rules holds for them.
func calls(ctx context.Context, src secrets.Source, opts envload.Options) map[string]error {
	type config struct {
		A string `env:"ENVLOAD_A"`
	}
	_, parse := envload.Parse[config](ctx, src, &opts)
	_, environ := envload.Environ(ctx, src, &opts)
	_, load := envload.Load(ctx, src, &opts)
	return map[string]error{"Parse": parse, "Environ": environ, "Load": load}
}

func TestErrorsOfSourceAndContextComeThrough(t *testing.T) {
	lost := errors.New("the store is lost")
	for name, err := range calls(t.Context(), failing{lost}, envload.Options{Existing: 7}) {
		if err != lost {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range calls(ctx, secretstest.Environment(t, nil), envload.Options{}) {
		if err != context.Canceled {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
