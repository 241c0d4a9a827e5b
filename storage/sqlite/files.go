package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// A file is a database file that was looked at, and not changed, before SQLite
// touches it.
type file struct {
	path     string // absolute, without symbolic links
	readOnly bool
	ready    bool // has the schema and is in WAL mode
}

// maxPath is what the binding takes, less the suffixes.
const maxPath = 1000

// checkPath refuses what names no file. It repeats none of it: a URL may hold a
// password.
func checkPath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("%w: the path is empty", fs.ErrInvalid)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("%w: the path holds a NUL byte", fs.ErrInvalid)
	case strings.Index(path, "://") > 1: // C:// is a drive of Windows
		return fmt.Errorf("%w: the path is a URL; give the name of the file alone", fs.ErrInvalid)
	default:
		return nil
	}
}

// locate finds or creates the file, decides whether it may be written, and
// refuses what is not ours by the bytes of its header: SQLite itself may write
// to a file when it merely opens it, to finish what a crash has left.
func locate(path string, readOnly bool) (file, error) {
	real, err := resolve(path, readOnly)
	if err != nil {
		return file{}, err
	}
	if len(real) > maxPath {
		return file{}, syscall.ENAMETOOLONG
	}
	if err := checkKind(real); err != nil {
		return file{}, err
	}
	f, readOnly, err := openFile(real, readOnly)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	ready, err := inspect(f, readOnly)
	if err != nil {
		return file{}, err
	}
	return file{path: real, readOnly: readOnly, ready: ready}, checkBeside(real, readOnly)
}

// resolve returns the file that path stands for, created if there is none.
func resolve(path string, readOnly bool) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if readOnly {
		return "", fmt.Errorf("%w, and ReadOnly creates none", withoutPath(err))
	}
	if err := createFile(abs); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	real, err = filepath.EvalSymlinks(abs) // fails on a link that leads nowhere
	if err != nil {
		return "", fmt.Errorf("%w: nothing is created through a symbolic link", withoutPath(err))
	}
	return real, nil
}

// createFile makes an empty file, which is an empty database. O_EXCL follows
// no link; the Chmod is for a umask that takes rights from the owner.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: make the folder first", withoutPath(err))
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// checkKind keeps Open from waiting at a named pipe.
func checkKind(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return syscall.EISDIR
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a regular file", ErrNotDatabase)
	}
	const others = 0o002
	if runtime.GOOS != "windows" && info.Mode()&others != 0 {
		return fmt.Errorf("%w: everyone may write to it (mode %04o): chmod o-w", fs.ErrPermission, info.Mode().Perm())
	}
	return nil
}

// openFile opens for writing, or else for reading: whatever keeps a user from
// writing, a missing right or a read-only disk, may let him read.
func openFile(path string, readOnly bool) (*os.File, bool, error) {
	if !readOnly {
		if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			return f, false, nil
		}
	}
	f, err := os.Open(path)
	return f, true, err
}

// checkBeside says which of the two other files cannot be used, which SQLite
// does not.
func checkBeside(path string, readOnly bool) error {
	for _, path := range []string{path + "-wal", path + "-shm"} {
		flags := os.O_RDWR
		if readOnly {
			flags = os.O_RDONLY
		}
		f, err := os.OpenFile(path, flags|noFollow, 0)
		switch {
		case err == nil:
			_ = f.Close()
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case readOnly:
			return fmt.Errorf("%w: a user who may write has to open the database once", withoutPath(err))
		}
	}
	return nil
}

// The header of an SQLite file, of which this package reads:
//
//	 0  16  "SQLite format 3\0"
//	18   2  1 1, or 2 2 in WAL mode
//	60   4  user_version, big endian
//	68   4  application_id, big endian
const (
	headerSize  = 100
	headerMagic = "SQLite format 3\x00"
)

// inspect reports whether the file is a complete database of this package.
// One that is empty, or was being created when the machine stopped, is not,
// and becomes one unless it may only be read.
func inspect(f *os.File, readOnly bool) (ready bool, err error) {
	header := make([]byte, headerSize)
	n, err := io.ReadFull(f, header)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	if n == 0 || bytes.Equal(header, make([]byte, headerSize)) {
		if readOnly {
			return false, fmt.Errorf("%w: it is empty", ErrNotDatabase)
		}
		return false, nil
	}
	if n < headerSize || !bytes.HasPrefix(header, []byte(headerMagic)) {
		return false, ErrNotDatabase
	}
	id, version := binary.BigEndian.Uint32(header[68:]), binary.BigEndian.Uint32(header[60:])
	if err := checkIdentity(id, version); err != nil {
		return false, err
	}
	const rollback, wal = "\x01\x01", "\x02\x02"
	mode := string(header[18:20])
	if mode != rollback && mode != wal {
		return false, ErrCorrupt
	}
	return readOnly || mode == wal, nil
}
