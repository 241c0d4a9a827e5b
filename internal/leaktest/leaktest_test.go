package leaktest_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
)

// childVariable has TestThatLeaks leak something.
const childVariable = "SECRETS_TEST_LEAK"

func TestMain(m *testing.M) { leaktest.Main(m) }

// kept is where TestThatLeaks leaves what it opens: nothing else may close it.
var kept []any

func TestThatLeaks(t *testing.T) {
	switch os.Getenv(childVariable) {
	case "goroutine":
		go func() { select {} }()
	case "a late goroutine":
		go time.Sleep(time.Second)
	case "file":
		f, err := os.Open(os.DevNull)
		kept = append(kept, f, err)
	case "socket":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		kept = append(kept, l, err)
	case "pipe":
		in, out, err := os.Pipe()
		kept = append(kept, in, out, err)
	case "goroutine of a test that fails":
		go func() { select {} }()
		t.Error("failed")
	}
}

func TestWhatATestLeavesBehindFailsIt(t *testing.T) {
	t.Parallel()
	const files = "open files: "
	for what, want := range map[string]string{
		"nothing":                        "PASS",
		"a late goroutine":               "PASS",
		"goroutine":                      "leaktest_test.TestThatLeaks.func1",
		"file":                           files,
		"socket":                         files,
		"pipe":                           files,
		"goroutine of a test that fails": "--- FAIL",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestThatLeaks$")
			cmd.Env = append(os.Environ(), childVariable+"="+what)
			out, err := cmd.CombinedOutput()
			if passed := err == nil; passed != (want == "PASS") || !strings.Contains(string(out), want) {
				t.Errorf("passed: %t\n%s", passed, out)
			}
		})
	}
}
