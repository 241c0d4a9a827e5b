package sqlite

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ncruces/go-sqlite3/vfs"
)

// A system is the binding's file system, which would create files with mode
// 0666 less the umask and cannot open a -wal file for reading only, with both
// put right.
type system struct{ vfs.VFSFilename }

func newSystem() system {
	return system{vfs.Find("os").(vfs.VFSFilename)}
}

// OpenFilename opens a file for SQLite. SQLite holds a lock on the database
// that keeps others from deleting the files beside it, so what is created here
// is what is opened next.
func (s system) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	const beside = vfs.OPEN_WAL | vfs.OPEN_MAIN_JOURNAL
	if flags&beside == 0 {
		return s.VFSFilename.OpenFilename(name, flags)
	}
	if name.URIParameter("mode") == "ro" {
		return s.openForReading(name, flags)
	}
	if flags&vfs.OPEN_CREATE != 0 {
		if err := prepareBeside(name, flags); err != nil {
			return nil, flags, err
		}
	}
	return s.VFSFilename.OpenFilename(name, flags)
}

// openForReading creates nothing: files that belong to a user who may only
// read would lock out those who may write.
func (s system) openForReading(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&vfs.OPEN_WAL != 0 {
		if _, err := os.Lstat(name.Database() + "-shm"); err != nil {
			return nil, flags, err
		}
	}
	flags = flags&^(vfs.OPEN_READWRITE|vfs.OPEN_CREATE) | vfs.OPEN_READONLY
	return s.VFSFilename.OpenFilename(name, flags)
}

func prepareBeside(name *vfs.Filename, flags vfs.OpenFlag) error {
	database, err := os.Stat(name.Database())
	if err != nil {
		return err
	}
	if err := prepareFile(name.String(), database); err != nil {
		return err
	}
	if flags&vfs.OPEN_WAL == 0 {
		return nil
	}
	return prepareFile(name.Database()+"-shm", database)
}

// prepareFile sees to it that the file exists and has the mode of the database.
func prepareFile(path string, database fs.FileInfo) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	}
	if err != nil {
		return err
	}
	return errors.Join(adopt(f, database), f.Close())
}
