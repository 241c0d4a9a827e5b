//go:build unix

package secrets_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// Whoever may write to the folder of a cache puts something else in its place. The
// test is not parallel: what is allocated is counted for the whole process.
func TestWhatIsNoCacheIsRefusedWithoutReadingIt(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"a pipe":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"no end":    func(path string) error { return os.Symlink("/dev/zero", path) },
		"a dump":    func(path string) error { return os.Symlink("/proc/self/mem", path) },
		"to itself": func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"zeros":     writeZeros,
	} {
		o := newOffline(t)
		o.wantStart(t, "one", nil)
		if err := os.Remove(o.path); err != nil {
			t.Fatal(err)
		}
		if err := put(o.path); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		o.away.off.Store(true)
		var err error
		if cost := costs(func() { _, err = o.start(t) }); cost > 1<<20 {
			t.Errorf("%s: %d KiB", what, cost>>10)
		}
		wantError(t, err, secrets.ErrUnavailable)
	}
}

// writeZeros makes a file as large as a cache may be, which takes no space.
func writeZeros(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, 512<<20)
}
