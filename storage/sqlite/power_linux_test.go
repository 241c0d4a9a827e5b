package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// The power is cut by telling ext4 to forget what it has not written to the
// disk, which is a file. That takes root and a loop device, so it is done only
// where SECRETS_TEST_POWER_CUT says that they are there.
func TestPowerCutLosesNothingThatWasAcknowledged(t *testing.T) {
	if os.Getenv("SECRETS_TEST_POWER_CUT") == "" {
		t.Log("not tested: SECRETS_TEST_POWER_CUT is not set")
		return
	}
	disk := newDisk(t)
	acknowledged := map[string]bool{}
	cuts, lost := 0, 0
	for begin := time.Now(); time.Since(begin) < 30*time.Second && !t.Failed(); cuts++ {
		disk.mount(t)
		path := filepath.Join(disk.folder, "secrets.db")
		c := start(t)
		c.must("ok", "open", path)
		c.send("acknowledge", cuts)
		lines := c.lines()
		for _, line := range until(lines, time.Duration(20+cuts*37%150)*time.Millisecond) {
			acknowledged[fmt.Sprintf("%d/%s", cuts, line)] = true
		}
		disk.cut(t)
		_ = c.process.Kill()
		for range lines { // what was said after the cut was not promised
		}
		disk.unmount(t)
		disk.mount(t)
		lost += checkPairs(t, path, acknowledged)
		disk.unmount(t)
	}
	t.Attr("power-cuts", fmt.Sprint(cuts))
	t.Attr("acknowledged", fmt.Sprint(len(acknowledged)))
	t.Attr("lost", fmt.Sprint(lost))
}

// lines are what the child says until it ends.
func (c *child) lines() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				return
			}
			lines <- strings.TrimSpace(line)
		}
	}()
	return lines
}

func until(lines <-chan string, timeout time.Duration) (said []string) {
	end := time.After(timeout)
	for {
		select {
		case line := <-lines:
			said = append(said, line)
		case <-end:
			return said
		}
	}
}

// A disk is a file that is mounted.
type disk struct{ image, folder string }

func newDisk(t *testing.T) *disk {
	d := &disk{filepath.Join(t.TempDir(), "image"), t.TempDir()}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 256<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", d.image)
	t.Cleanup(func() { _ = exec.Command("umount", d.folder).Run() })
	return d
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func (d *disk) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "loop", d.image, d.folder)
}

func (d *disk) unmount(t *testing.T) {
	t.Helper()
	for range 50 {
		if exec.Command("umount", d.folder).Run() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	run(t, "umount", d.folder)
}

func (d *disk) cut(t *testing.T) {
	t.Helper()
	f, err := os.Open(d.folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const shutdown, withoutFlush = 0x8004587d, 2
	flag := uint32(withoutFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		t.Fatal(errno)
	}
}
