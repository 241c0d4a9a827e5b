package secrets_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// What a panic and a failing test print goes past what a process can capture of
// itself: another one does it, and is read.
func TestPanicsAndTestLogsDoNotShowAValueOrToken(t *testing.T) {
	const child = "SECRETS_TEST_PANIC"
	if os.Getenv(child) != "" {
		logAndPanic(t)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), child+"=1", "GOTRACEBACK=all")
	output, err := command.CombinedOutput()
	if err == nil {
		t.Fatal("the child did not fail")
	}
	text := string(output)
	for _, part := range []string{"logged " + secrets.Redacted, "panic: " + secrets.Redacted, "goroutine "} {
		if !strings.Contains(text, part) {
			t.Fatalf("the child's output is without %q", part)
		}
	}
	_, key, ok := strings.Cut(text, "key: ")
	if !ok {
		t.Fatal("the child's output is without the canary of its token")
	}
	key, text, _ = strings.Cut(key, "\n")
	secretstest.NoLeak(t, func() error { fmt.Println(text); return nil }, canary, reverse(key))
}

// logAndPanic logs and panics with everything. The part of the token that may
// not be seen is handed over in reverse.
func logAndPanic(t *testing.T) {
	all, canaries := holdersOfAll(t)
	fmt.Println("key: " + reverse(canaries[2]))
	t.Log("logged", secrets.Text(canary))
	for _, holder := range all {
		t.Log(holder)
		t.Logf("%+v", holder)
		defer func() { panic(holder) }()
	}
	panic(secrets.Text(canary))
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
