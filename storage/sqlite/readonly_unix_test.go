//go:build unix

package sqlite_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// nobody is the user and the group of a reader when the tests run as root.
const nobody = 65534

// startReader starts a process that may read the database and not write it,
// as the package comment says how: another user, admitted by the group. If the
// test does not run as root and can be nobody else, it takes the right to
// write from itself.
func startReader(t *testing.T, path string) *child {
	t.Helper()
	if os.Getuid() != 0 {
		chmod(t, 0o400, path, path+"-wal", path+"-shm")
		chmod(t, 0o500, filepath.Dir(path))
		t.Cleanup(func() { chmod(t, 0o700, filepath.Dir(path)) })
		return start(t)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chown(name, 0, nobody); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, 0o640, path, path+"-wal", path+"-shm")
	enterable(t, filepath.Dir(path))
	return start(t, func(cmd *exec.Cmd) {
		cmd.Path = copyExecutable(t)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	})
}

func chmod(t *testing.T, mode fs.FileMode, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// enterable lets everybody pass through the folders of the test.
func enterable(t *testing.T, dir string) {
	t.Helper()
	for ; strings.HasPrefix(dir, os.TempDir()) && dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		chmod(t, 0o755, dir)
	}
}

// copyExecutable puts the test binary where everybody may run it. No child may
// be forked meanwhile: it would inherit the file that is open for writing, and
// the copy could not be run until it has closed it (golang/go#22315).
func copyExecutable(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	dir := t.TempDir()
	enterable(t, dir)
	path := filepath.Join(dir, "reader.test")
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReaderWithoutTheRightToWrite(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	mustPut(t, s, "b", "2")

	t.Run("WithoutAWriter", func(t *testing.T) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		r := startReader(t, path)
		r.must("ok", "open", path)
		r.must("got 1 2", "get", "a", "b")
		refusesToWrite(t, r)
		r.must("ok", "close")
	})
	t.Run("WithAWriter", func(t *testing.T) {
		allow(t, path)
		s := open(t, path, nil)
		mustPut(t, s, "a", "2")
		r := startReader(t, path)
		r.must("ok", "open", path)
		r.must("ok", "watch", "a")
		for i := 3; i < 8; i++ {
			mustPut(t, s, "a", strconv.Itoa(i))
			r.must("signal", "wait", "5s")
			r.must(fmt.Sprintf("got %d", i), "get", "a")
		}
		mustPut(t, s, "b", "3")
		r.must("quiet", "wait", "200ms")
		refusesToWrite(t, r)
	})
	t.Run("AfterAWriterWasKilled", func(t *testing.T) {
		allow(t, path)
		writer := start(t)
		writer.must("ok", "open", path)
		for i := range 20 {
			writer.must("ok", "put", "killed", i)
		}
		writer.kill()
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
			t.Fatalf("the killed writer left nothing in -wal: %v, %v", info, err)
		}
		r := startReader(t, path)
		r.must("ok", "open", path)
		r.must("got 19 7", "get", "killed", "a")
		refusesToWrite(t, r)
	})
}

// allow gives a test that is not run as root its rights back.
func allow(t *testing.T, path string) {
	t.Helper()
	chmod(t, 0o700, filepath.Dir(path))
	chmod(t, 0o600, path, path+"-wal", path+"-shm")
}

func refusesToWrite(t *testing.T, r *child) {
	t.Helper()
	got := r.do("put", "a", "never")
	if !strings.HasPrefix(got, fs.ErrPermission.Error()) || !strings.Contains(got, "reading only") {
		t.Errorf("put by a reader: %s", got)
	}
}

// A reader that came first has no shared memory, and works from the files
// alone. It has to notice each writer that comes and goes.
func TestReaderThatCameFirstSeesWritersComeAndGo(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPutBoth(t, s, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	readers := []*child{startReader(t, path), startReader(t, path)}
	for _, r := range readers {
		r.must("ok", "open", path)
		r.must("ok", "watch")
		r.must("got 0 0", "get", "left", "right")
		r.send("compare", "1s")
	}
	last := 0
	for begin := time.Now(); time.Since(begin) < 900*time.Millisecond; {
		if os.Getuid() != 0 {
			allow(t, path) // the readers have opened it before
		}
		s := open(t, path, nil)
		for range 1 + last%3 {
			last++
			mustPutBoth(t, s, last)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range readers {
		if got := r.receive(); got != "same" {
			t.Errorf("a reader beside writers that come and go: %s", got)
		}
		r.must("signal", "wait", "5s")
		r.must(fmt.Sprintf("got %d %d", last, last), "get", "left", "right")
		r.must("quiet", "wait", "200ms")
	}
	t.Logf("%d commits", last)
}

func mustPutBoth(t *testing.T, s *sqlite.Store, i int) {
	t.Helper()
	value := []byte(strconv.Itoa(i))
	err := s.Commit(t.Context(), storage.Batch{
		Checks: []storage.Check{{Key: "never-there"}},
		Puts:   []storage.Put{{Key: "left", Value: value}, {Key: "middle", Value: make([]byte, 50_000)}, {Key: "right", Value: value}},
	})
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// The sqlite3 shell deletes the files beside the database when it is the last
// to close it.
func TestReaderIsToldWhatIsMissing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-shm", "-wal"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: true})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(fmt.Sprint(err), "open the database once") {
			t.Errorf("Open without %s: got %v", suffix, err)
		}
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a reader has created %s", suffix)
		}
	}
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, open(t, path, &sqlite.Options{ReadOnly: true}), map[string]string{"a": "1"})
}

func TestFilesBesideTheDatabaseGetItsMode(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	expectModes(t, 0o600, path)
	chmod(t, 0o640, path)
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	expectModes(t, 0o640, path)
}

func expectModes(t *testing.T, want fs.FileMode, path string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil || len(names) != 3 {
		t.Fatalf("files %q, %v", names, err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}
