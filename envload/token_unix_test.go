//go:build unix

package envload_test

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestTokenDoesNotWaitForAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := takeToken(t, vars{tokenFile: pipe})
	wantProblems(t, err, "ENVLOAD_TOKEN_FILE: the file that it names is not a regular file")
}
