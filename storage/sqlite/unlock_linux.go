package sqlite

import (
	"io"
	"syscall"
)

// unlock gives up the locks on a -shm file. Closing it is not enough as long as
// it is mapped.
func unlock(shm any) {
	const setOFD = 37 // F_OFD_SETLK
	f, ok := shm.(interface{ Fd() uintptr })
	if !ok {
		return
	}
	all := syscall.Flock_t{Type: syscall.F_UNLCK, Whence: io.SeekStart}
	_ = syscall.FcntlFlock(f.Fd(), setOFD, &all) // an error says that it is not open
}
