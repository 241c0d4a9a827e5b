package sqlite_test

import (
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A countingDisk counts the files that connections open.
type countingDisk struct {
	vfs.VFSFilename
	databases, others atomic.Int64
}

func (d *countingDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&vfs.OPEN_MAIN_DB != 0 {
		d.databases.Add(1)
	} else {
		d.others.Add(1)
	}
	return d.VFSFilename.OpenFilename(name, flags)
}

// A connection costs about a sixth of an app's start.
func TestAnAppThatStartsOpensOneConnection(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	mustPut(t, open(t, path, nil), "a", "1")
	disk := &countingDisk{}
	opts := &sqlite.Options{ReadOnly: true}
	opts.SetSystem(t.Name(), func(base vfs.VFSFilename) vfs.VFS {
		disk.VFSFilename = base
		return disk
	})
	s := open(t, path, opts)
	for range 3 {
		mustRead(t, s)
	}
	if databases, others := disk.databases.Load(), disk.others.Load(); databases != 1 || others != 1 {
		t.Errorf("opened the database %d times and %d other files, want 1 and the -wal file", databases, others)
	}
}

func TestEveryStatementIsPreparedOnce(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), nil)
	mustPut(t, s, "a", "1")
	for range 3 {
		mustRead(t, s)
	}
	if times, err := s.Replanned(t.Context()); err != nil || times != 0 {
		t.Errorf("%d statements were prepared again, %v", times, err)
	}
}

// mustRead makes both calls that an app makes.
func mustRead(t *testing.T, s *sqlite.Store) {
	t.Helper()
	listed, err := s.List(t.Context(), "", "", storage.MaxList)
	if err != nil || len(listed) != 1 {
		t.Fatalf("%d entries, %v", len(listed), err)
	}
	if got, err := s.Get(t.Context(), listed[0].Key, "b"); err != nil || len(got) != 1 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
}
