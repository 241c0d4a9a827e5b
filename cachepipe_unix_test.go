//go:build unix

package secrets_test

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Whoever may write to the folder puts a pipe in the place of the file, also
// after it was looked at. Nobody writes to the pipe.
func TestCacheDoesNotWaitForAPipe(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	o.away.off.Store(true)
	file, pipe := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "pipe")
	if err := os.Link(o.path, file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	put := func(what string) {
		link := what + ".link"
		if err := os.Link(what, link); err != nil {
			t.Error(err)
		}
		if err := os.Rename(link, o.path); err != nil {
			t.Error(err)
		}
	}
	put(pipe)

	const long = 200 * time.Millisecond
	begin, read := time.Now(), make(chan struct{})
	go func() {
		defer close(read)
		for time.Since(begin) < long {
			_, _ = session.Environment(t.Context()) // from the file, or not
		}
	}()
	var swapping sync.WaitGroup
	defer swapping.Wait()
	swapping.Go(func() {
		for time.Since(begin) < long {
			put(file)
			put(pipe)
		}
	})
	select {
	case <-read:
	case <-time.After(10 * time.Second):
		t.Error("a read waits for who writes to the pipe")
	}
}
