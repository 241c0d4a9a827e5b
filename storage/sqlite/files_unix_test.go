//go:build unix

package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// The umask belongs to the process, so a child is given one: it is left as
// generous as can be, and then takes even the owner's rights.
func TestFilesArePrivateWhateverTheUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "022", "0777"} {
		path := newPath(t)
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { watchModes(t, filepath.Dir(path), stop) })
		c := start(t, func(cmd *exec.Cmd) {
			cmd.Path = "/bin/sh"
			cmd.Args = []string{"sh", "-c", `umask "$1" && exec "$2"`, "sh", umask, exe}
		})
		c.must("ok", "open", path)
		c.must("ok", "put", "a", "1")
		expectModes(t, 0o600, path)
		c.must("ok", "close")
		expectModes(t, 0o600, path)
		close(stop)
		group.Wait()
	}
}

// watchModes looks for a file that others may read, also the -journal file
// that is there for a moment.
func watchModes(t *testing.T, dir string, stop chan struct{}) {
	seen := map[string]bool{}
	for {
		select {
		case <-stop:
			return
		default:
		}
		found, err := os.ReadDir(dir)
		if err != nil {
			t.Errorf("ReadDir: %v", err)
			return
		}
		for _, f := range found {
			info, err := f.Info()
			if err != nil {
				continue // it is gone
			}
			if mode := info.Mode().Perm(); mode&0o077 != 0 && !seen[f.Name()] {
				seen[f.Name()] = true
				t.Errorf("%s had mode %04o", f.Name(), mode)
			}
		}
	}
}

func TestFileThatEveryoneMayWriteIsRefused(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	chmod(t, 0o602, path)
	for _, opts := range []*sqlite.Options{nil, {ReadOnly: true}} {
		_, err := sqlite.Open(t.Context(), path, opts)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "chmod o-w") || strings.Count(err.Error(), path) != 1 {
			t.Errorf("got %v, want fs.ErrPermission with advice and the path once", err)
		}
	}
	chmod(t, 0o664, path)
	mustPut(t, s, "a", "1")
	expect(t, open(t, path, nil), map[string]string{"a": "1"})
}

func TestNamedPipeIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path, nil); !errors.Is(err, sqlite.ErrNotDatabase) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("got %v, want ErrNotDatabase with the path once", err)
	}
}

func TestNothingIsOpenedThroughALinkBesideTheDatabase(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		path := newPath(t)
		victim := filepath.Join(filepath.Dir(path), "victim")
		write(t, victim, []byte("precious"))
		if err := os.Symlink(victim, path+suffix); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path, &sqlite.Options{BusyTimeout: 100 * time.Millisecond})
		if err == nil {
			_ = s.Close()
		}
		if got, readErr := os.ReadFile(victim); readErr != nil || string(got) != "precious" {
			t.Errorf("%s: %q is in the file that a link leads to, %v", suffix, got, readErr)
		}
		if err == nil && suffix != "-journal" { // that one SQLite removes
			t.Errorf("%s: no error", suffix)
		}
	}
}

func TestFileThatCannotBeReadIsAClearError(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		r := startReader(t, path)
		chmod(t, 0, path+suffix)
		got := r.do("open", path)
		if !strings.HasPrefix(got, fs.ErrPermission.Error()) || strings.Count(got, path) != 1 {
			t.Errorf("%q: %s", suffix, got)
		}
		if suffix != "" && !strings.Contains(got, "its "+suffix+" file: permission denied") {
			t.Errorf("%q is not named: %s", suffix, got)
		}
		allow(t, path)
	}
}
