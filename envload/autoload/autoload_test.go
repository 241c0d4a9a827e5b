package autoload_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload/autoload"
	"github.com/seed-9f6dc42a/secrets/internal/apptest"
	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

const printArgument = "print-what-was-loaded"

// TestMain prints what an app sees, if it is asked to, instead of running tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == printArgument {
		_, token := os.LookupEnv("SECRETS_TOKEN")
		_, file := os.LookupEnv("SECRETS_TOKEN_FILE")
		_, store := os.LookupEnv("SECRETS_STORE")
		fmt.Println(os.Getenv("AUTOLOAD_URL"), token || file, store)
		os.Exit(0)
	}
	leaktest.Main(m)
}

// start starts this program as an app with these variables.
func start(t *testing.T, env ...string) (output string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], printArgument)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// provision returns the path of a store and a token.
func provision(t *testing.T) (string, secrets.Token) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.db")
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	platform := apptest.New(t, store)
	platform.Give(t, "autoload-url", "https://example.com")
	return path, platform.Token(t)
}

func TestImportLoadsTheEnvironmentBeforeMain(t *testing.T) {
	t.Parallel()
	path, token := provision(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"SECRETS_TOKEN=" + token.Reveal(), "SECRETS_TOKEN_FILE=" + file} {
		out, err := start(t, "SECRETS_STORE=sqlite:"+path, given)
		if err != nil || out != "https://example.com false false" {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

func TestImportDoesNothingUnlessAsked(t *testing.T) {
	t.Parallel()
	out, err := start(t, "AUTOLOAD_URL=mine")
	if err != nil || out != "mine false false" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestProgramEndsIfTheEnvironmentCannotBeLoaded(t *testing.T) {
	t.Parallel()
	path, token := provision(t)
	for _, env := range [][]string{
		{"SECRETS_STORE=sqlite:" + path},
		{"SECRETS_TOKEN=" + token.Reveal()},
		{"SECRETS_STORE=sqlite:" + path + "x", "SECRETS_TOKEN=" + token.Reveal()},
	} {
		out, err := start(t, env...)
		if err == nil || !strings.HasPrefix(out, "secrets: autoload: ") || strings.Contains(out, token.Reveal()) {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

func TestSilenceOfTheStoreIsExplained(t *testing.T) {
	t.Parallel()
	err := autoload.Explain(fmt.Errorf("secrets: connect: %w", context.DeadlineExceeded))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the store did not answer within 30s") {
		t.Errorf("got %v", err)
	}
	other := errors.New("another fault")
	if err := autoload.Explain(other); err != other {
		t.Errorf("got %v, want %v", err, other)
	}
}
