package sqlite_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A faultyDisk does to the -wal file what the test says.
type faultyDisk struct {
	vfs.VFSFilename
	read, write, sync atomic.Pointer[func() error]
}

func (d *faultyDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, out, err
	}
	return faultyFile{f, d}, out, nil
}

type faultyFile struct {
	vfs.File
	disk *faultyDisk
}

func (f faultyFile) ReadAt(p []byte, offset int64) (int, error) {
	if fault := f.disk.read.Load(); fault != nil {
		return 0, (*fault)()
	}
	return f.File.ReadAt(p, offset)
}

func (f faultyFile) WriteAt(p []byte, offset int64) (int, error) {
	if fault := f.disk.write.Load(); fault != nil {
		return 0, (*fault)()
	}
	return f.File.WriteAt(p, offset)
}

func (f faultyFile) Sync(flags vfs.SyncFlag) error {
	if fault := f.disk.sync.Load(); fault != nil {
		if err := (*fault)(); err != nil {
			return err
		}
	}
	return f.File.Sync(flags)
}

func fault(err error) *func() error {
	f := func() error { return err }
	return &f
}

// openFaulty opens a database that holds a=1.
func openFaulty(t *testing.T, path string) (*sqlite.Store, *faultyDisk) {
	t.Helper()
	disk := &faultyDisk{}
	opts := &sqlite.Options{}
	opts.SetSystem(t.Name(), func(base vfs.VFSFilename) vfs.VFS {
		disk.VFSFilename = base
		return disk
	})
	s := open(t, path, opts)
	mustPut(t, s, "a", "1")
	return s, disk
}

func TestFailureAtCommitTellsWhetherItWasApplied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		sync, write error
		want        error
		text        string
	}{
		{name: "sync fails", sync: sqlite3.IOERR_FSYNC, want: storage.ErrUnknownOutcome, text: "SQLite code 1034"},
		{name: "write fails", write: sqlite3.IOERR_WRITE, want: storage.ErrUnknownOutcome, text: "SQLite code 778"},
		{name: "disk full", write: sqlite3.FULL, want: storage.ErrUnavailable, text: "SQLite code 13"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s, disk := openFaulty(t, path)
			if test.sync != nil {
				disk.sync.Store(fault(test.sync))
			}
			if test.write != nil {
				disk.write.Store(fault(test.write))
			}
			err := put(t.Context(), s, "a", "never said out loud")
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("Commit: got %v, want %v with %q and the path", err, test.want, test.text)
			}
			if strings.Contains(err.Error(), "never said") {
				t.Errorf("the error quotes a value: %v", err)
			}
			expect(t, s, map[string]string{"a": "1"})

			disk.sync.Store(nil)
			disk.write.Store(nil)
			mustPut(t, s, "a", "2")
			expect(t, s, map[string]string{"a": "2"})
		})
	}
}

// This is why a failed sync is an unknown outcome: the frames are in the -wal
// file, and whoever recovers it after a crash finds the commit.
func TestCommitWhoseSyncFailedMayComeBackAfterACrash(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, disk := openFaulty(t, path)
	disk.sync.Store(fault(sqlite3.IOERR_FSYNC))
	if err := put(t.Context(), s, "a", "2"); !errors.Is(err, storage.ErrUnknownOutcome) {
		t.Errorf("Commit: got %v, want ErrUnknownOutcome", err)
	}
	expect(t, s, map[string]string{"a": "1"})

	crashed := newPath(t)
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, path+suffix, crashed+suffix)
	}
	expect(t, open(t, crashed, nil), map[string]string{"a": "2"})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, content)
}

func TestCommitOnADiskThatHangsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, disk := openFaulty(t, newPath(t))
	release := make(chan struct{})
	hang := func() error { <-release; return nil }
	disk.sync.Store(&hang)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := put(ctx, s, "a", "2")
	if !errors.Is(err, storage.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Commit: got %v, want ErrUnknownOutcome and DeadlineExceeded", err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("Commit took %v", took)
	}
	expect(t, s, map[string]string{"a": "1"}) // readers do not wait

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := put(ctx, s, "b", "2"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnknownOutcome) {
		t.Errorf("Commit behind it: got %v, want DeadlineExceeded and nothing applied", err)
	}
	disk.sync.Store(nil)
	close(release)
	mustPut(t, s, "c", "3") // takes its turn behind the first
	expect(t, s, map[string]string{"a": "2", "c": "3"})
}

func TestFailureWhileReadingIsUnavailable(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, disk := openFaulty(t, path)
	disk.read.Store(fault(sqlite3.IOERR_READ))
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Get: got %v, want ErrUnavailable", err)
	}
	disk.read.Store(nil)
	expect(t, s, map[string]string{"a": "1"})
}

func TestPanicOfTheBindingEndsOneCall(t *testing.T) {
	t.Parallel()
	s, disk := openFaulty(t, newPath(t))
	panics := func() error {
		var none []byte
		_ = none[len(os.Args)]
		return io.EOF
	}
	disk.read.Store(&panics)
	if _, err := s.Get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "fault in the SQLite binding") {
		t.Errorf("Get: got %v, want a fault", err)
	}
	disk.read.Store(nil)
	expect(t, s, map[string]string{"a": "1"})

	disk.write.Store(&panics)
	if err := put(t.Context(), s, "a", "2"); !errors.Is(err, storage.ErrUnknownOutcome) {
		t.Errorf("Commit: got %v, want ErrUnknownOutcome", err)
	}
	disk.write.Store(nil)
	mustPut(t, s, "a", "3")
	expect(t, s, map[string]string{"a": "3"})
}
