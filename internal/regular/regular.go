// Package regular opens files at paths where somebody may have put anything: a
// pipe, a folder, a device without end.
package regular

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Err is the error of [Open] for what is not a regular file.
var Err = errors.New("not a regular file")

// Open opens the regular file at path for reading, and follows links. It does
// not wait for who writes to a pipe, and looks at what it has opened: the path
// may lead elsewhere a moment later.
func Open(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = Err
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}
