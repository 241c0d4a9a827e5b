//go:build unix

package crypto

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openNoFollow opens path for reading. It does not follow a symbolic link
// there, and does not wait for the other end of a pipe.
func openNoFollow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// privacyFault says why the file may not be private to the user euid, or
// nothing.
func privacyFault(path string, info fs.FileInfo, euid int) string {
	if !info.Mode().IsRegular() {
		return "is not a regular file; name the file itself"
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Sprintf("has mode %04o, which lets others than its owner in; run: chmod 600 %q", perm, path)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "has an owner that cannot be told"
	}
	if owner := int64(stat.Uid); owner != 0 && owner != int64(euid) {
		return fmt.Sprintf("belongs to user %d, neither to the effective user %d nor to root; run: chown %d %q", owner, euid, euid, path)
	}
	return ""
}
