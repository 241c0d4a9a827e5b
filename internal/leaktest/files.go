package leaktest

import (
	"fmt"
	"os"
	"path/filepath"
)

// files are open files: the number of each descriptor, and what it leads to where
// the system tells.
type files map[string]string

// descriptors lists the open files of this process on Linux, macOS and the BSDs.
// Elsewhere there is no such folder, and nothing is found.
const descriptors = "/dev/fd"

func openFiles() files {
	open := files{}
	entries, _ := os.ReadDir(descriptors)
	for _, e := range entries {
		path := filepath.Join(descriptors, e.Name())
		if _, err := os.Lstat(path); err != nil {
			continue // it was the folder's own
		}
		target, _ := os.Readlink(path)
		open[e.Name()] = target
	}
	return open
}

// check returns an error that lists the files which are open now and were not
// before, but for those of the runtime.
func (before files) check(now files) error {
	var left []string
	for number, target := range now {
		if was, ok := before[number]; ok && was == target || ofRuntime[target] {
			continue
		}
		left = append(left, fmt.Sprintf("%s -> %s", number, target))
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("open files: %q", left)
}

// ofRuntime are what the runtime opens when somebody first waits for a network
// connection or a pipe, and keeps.
var ofRuntime = map[string]bool{"anon_inode:[eventpoll]": true, "anon_inode:[eventfd]": true}
