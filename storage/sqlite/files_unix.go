//go:build unix

package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// adopt gives f the owner, group and mode of the database, as far as this user
// may: who is neither the owner nor root can change nothing here, and who
// then cannot read is told so when he opens the file.
func adopt(f *os.File, database fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	have, want := info.Sys().(*syscall.Stat_t), database.Sys().(*syscall.Stat_t)
	if have.Uid != want.Uid || have.Gid != want.Gid {
		// Not everybody may give a file away; the group is worth a try alone.
		if f.Chown(int(want.Uid), int(want.Gid)) != nil {
			_ = f.Chown(-1, int(want.Gid))
		}
	}
	if info.Mode().Perm() == database.Mode().Perm() {
		return nil
	}
	if err := f.Chmod(database.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// syncFolder makes a new name durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return nil // a folder that one may write to and not read
	}
	return errors.Join(d.Sync(), d.Close())
}
