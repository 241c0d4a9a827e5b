package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine names the processor and the memory, as far as Linux says it.
func machine() string {
	return fmt.Sprintf("%d × %s, %s, %s",
		runtime.NumCPU(), cmp.Or(procLine("/proc/cpuinfo", "model name"), "processor"),
		cmp.Or(ram(), "memory unknown"), cmp.Or(kernel(), runtime.GOOS))
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
