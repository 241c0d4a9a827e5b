//go:build unix

package envload_test

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/envload"
)

func TestTokenDoesNotWaitForAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := takeToken(t, vars{tokenFile: pipe})
	wantProblems(t, err, "ENVLOAD_TOKEN_FILE: the file that it names is not a regular file")
}

// Whoever may write to the folder puts a pipe in the place of the file, also
// after it was looked at. Nobody writes to the pipe.
func TestTokenDoesNotWaitForAPipeThatIsPutInThePlaceOfTheFile(t *testing.T) {
	unset(t, tokenVar, tokenFile)
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	put := func(what string) {
		if err := os.Symlink(what, at(what+".link")); err != nil {
			t.Error(err)
		}
		if err := os.Rename(at(what+".link"), at("token")); err != nil {
			t.Error(err)
		}
	}
	text := writeFile(t, tokenText(t), 0o600)
	if err := os.Rename(text, at("file")); err != nil {
		t.Fatal(err)
	}
	put("file")

	const long = 200 * time.Millisecond
	begin, read := time.Now(), make(chan struct{})
	go func() {
		defer close(read)
		for time.Since(begin) < long {
			if err := os.Setenv(tokenFile, at("token")); err != nil {
				t.Error(err)
			}
			_, _ = envload.Token(tokenVar) // from the file, or not
		}
	}()
	var swapping sync.WaitGroup
	defer swapping.Wait()
	swapping.Go(func() {
		for time.Since(begin) < long {
			put("pipe")
			put("file")
		}
	})
	select {
	case <-read:
	case <-time.After(10 * time.Second):
		t.Error("it waits for who writes to the pipe")
	}
}
