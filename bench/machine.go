package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine names the processor and the memory, as far as Linux says it, and the disk
// by what it takes to write to it.
func machine() string {
	return fmt.Sprintf("%d × %s, %s, %s, a disk that takes %s to write 4 KiB durably",
		runtime.NumCPU(), cmp.Or(procLine("/proc/cpuinfo", "model name"), "processor"),
		cmp.Or(ram(), "memory unknown"), cmp.Or(kernel(), runtime.GOOS), cmp.Or(durableWrite(), "an unknown time"))
}

// durableWrite measures a write of a page and a sync, where the stores are.
func durableWrite() string {
	f, err := os.CreateTemp("", "bench-sync-")
	if err != nil {
		return ""
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var times []float64
	for range 200 {
		begin := time.Now()
		if _, err := f.WriteAt(make([]byte, 4096), 0); err != nil {
			return ""
		}
		if err := f.Sync(); err != nil {
			return ""
		}
		times = append(times, float64(time.Since(begin)))
	}
	return nanoseconds.format(median(times))
}

func ram() string {
	var kilobytes int
	if _, err := fmt.Sscanf(procLine("/proc/meminfo", "MemTotal"), "%d kB", &kilobytes); err != nil {
		return ""
	}
	return fmt.Sprintf("%.0f GiB", float64(kilobytes)/(1<<20))
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return "Linux " + strings.TrimSpace(string(release))
}

// procLine returns what follows "name:" in a file of /proc.
func procLine(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(before) == name {
			return strings.TrimSpace(after)
		}
	}
	return ""
}

// commit names the commit that is checked out, and says if files differ from it.
func commit() string {
	hash, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(hash))
	if changes, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output(); err == nil && len(changes) > 0 {
		text += ", with changes"
	}
	return text
}
