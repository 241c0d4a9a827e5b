//go:build !unix

package crypto

import (
	"errors"
	"io/fs"
	"os"
)

// openNoFollow refuses: elsewhere, nothing here can tell who may read a file.
func openNoFollow(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func privacyFault(string, fs.FileInfo, int) string { return "cannot be known to be private" }
