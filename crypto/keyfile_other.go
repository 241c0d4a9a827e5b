//go:build !unix

package crypto

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

var errNotUnix = fmt.Errorf("%w: only on Unix can it be told who may read a file; use a KMS", errors.ErrUnsupported)

// openNoFollow refuses: elsewhere, nothing here can tell who may read a file.
func openNoFollow(string) (*os.File, error) { return nil, errNotUnix }

func privacyFault(string, fs.FileInfo, int) string { return "cannot be known to be private" }
