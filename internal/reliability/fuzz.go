package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fuzzed is a run of one fuzz target.
type Fuzzed struct {
	Target      string // as in the table
	Date        string
	Seconds     int
	Executions  int
	Interesting int // inputs that reached something new
	Found       int // inputs that failed
}

// fuzz runs every target, one after another. found says which have found something.
func (r *Results) fuzz(ctx context.Context, root string, each time.Duration) (found, err error) {
	targets, err := fuzzTargets(root)
	for _, target := range targets {
		folder, name := split(target)
		fmt.Fprintf(os.Stderr, "%s for %v\n", target, each)
		c := exec.CommandContext(ctx, "go", "test", "-run=^$", "-fuzz=^"+name+"$", "-fuzztime="+each.String(), "-fuzzminimizetime=100x", "./"+folder)
		c.Dir = root
		out, failed := c.CombinedOutput()
		if failed != nil {
			out = fmt.Append(out, failed, "\n")
		}
		fuzzed, err := parseFuzz(out)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
		fuzzed.Target, fuzzed.Date = target, time.Now().UTC().Format(time.DateOnly)
		r.addFuzzed(fuzzed)
	}
	return r.found(), err
}

// addLogs takes the outputs of runs that have ended: each ends with a line
// "exit" and the status of go test.
func (r *Results) addLogs(root, folder string) (found, err error) {
	targets, err := fuzzTargets(root)
	if err != nil {
		return nil, err
	}
	logs, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err == nil && len(logs) == 0 {
		err = errors.New("no log in the folder")
	}
	for _, log := range logs {
		err = errors.Join(err, r.addLog(targets, log))
	}
	return r.found(), err
}

func (r *Results) addLog(targets []string, log string) error {
	name := strings.TrimSuffix(filepath.Base(log), ".log")
	i := slices.IndexFunc(targets, func(target string) bool { _, n := split(target); return n == name })
	if i < 0 {
		return fmt.Errorf("%s: no such fuzz target", name)
	}
	out, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^exit \d+$`).Match(out) {
		return fmt.Errorf("%s: still running", name)
	}
	info, err := os.Stat(log)
	if err != nil {
		return err
	}
	fuzzed, err := parseFuzz(out)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fuzzed.Target, fuzzed.Date = targets[i], info.ModTime().UTC().Format(time.DateOnly)
	r.addFuzzed(fuzzed)
	return nil
}

// addFuzzed puts a run in the place of an earlier one.
func (r *Results) addFuzzed(f Fuzzed) {
	i, ok := slices.BinarySearchFunc(r.Fuzz, f, func(a, b Fuzzed) int { return cmp.Compare(a.Target, b.Target) })
	if ok {
		r.Fuzz[i] = f
		return
	}
	r.Fuzz = slices.Insert(r.Fuzz, i, f)
}

func (r *Results) found() error {
	var errs []error
	for _, f := range r.Fuzz {
		if f.Found > 0 {
			errs = append(errs, fmt.Errorf("%s found %d failing inputs", f.Target, f.Found))
		}
	}
	return errors.Join(errs...)
}

var progress = regexp.MustCompile(`(?m)^fuzz: elapsed: (\S+), execs: (\d+) .*new interesting: (\d+)`)

// parseFuzz reads the output of go test -fuzz, whose last line of progress counts.
// A run that found nothing ends with PASS, or when its time is up with an error
// about that (golang/go#75804).
func parseFuzz(out []byte) (Fuzzed, error) {
	lines := progress.FindAllSubmatch(out, -1)
	found := bytes.Count(out, []byte("Failing input written to "))
	inTime := bytes.Contains(out, []byte("\nPASS\n")) || bytes.Contains(out, []byte("context deadline exceeded"))
	if len(lines) == 0 || found == 0 && !inTime {
		return Fuzzed{}, fmt.Errorf("did not run to its end:\n%s", out[max(0, len(out)-1000):])
	}
	last := lines[len(lines)-1]
	elapsed, err := time.ParseDuration(string(last[1]))
	executions, errExecutions := strconv.Atoi(string(last[2]))
	interesting, errInteresting := strconv.Atoi(string(last[3]))
	return Fuzzed{
		Seconds: int(elapsed.Seconds()), Executions: executions, Interesting: interesting, Found: found,
	}, errors.Join(err, errExecutions, errInteresting)
}

// fuzzTargets returns the fuzz targets of a module, sorted.
func fuzzTargets(root string) ([]string, error) {
	all, err := declared(root)
	var targets []string
	for name := range all {
		if _, test := split(name); strings.HasPrefix(test, "Fuzz") {
			targets = append(targets, name)
		}
	}
	slices.Sort(targets)
	return targets, err
}
