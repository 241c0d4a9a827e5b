//go:build !unix

package sqlite

import (
	"io/fs"
	"os"
)

const noFollow = 0

// adopt has nothing to do where files inherit their access from the folder.
func adopt(*os.File, fs.FileInfo) error { return nil }

// syncFolder has nothing to do where folders cannot be opened.
func syncFolder(string) error { return nil }
