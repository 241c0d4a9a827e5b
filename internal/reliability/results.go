package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Results are what is kept, of the last run of each part.
type Results struct {
	Tests TestRun
	Fuzz  []Fuzzed // sorted by package and target
}

// A TestRun is one run of the tests of the table, all of which have passed.
type TestRun struct {
	Machine Machine
	Long    bool
	Minutes float64           // of the whole run
	Passed  map[string]Passed // by the name that the table has for the test
}

// Passed is what a test that has passed says of itself.
type Passed struct {
	Seconds float64
	Figures map[string]string `json:",omitempty"` // its attributes, see [testing.T.Attr]
}

// A Machine is where something was run, and when, and of which commit.
type Machine struct {
	System, Go, Commit, Date string
	CPUs                     int
}

func thisMachine() Machine {
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Commit: git("rev-parse", "--short=12", "HEAD"),
		Date: time.Now().UTC().Format(time.DateOnly), CPUs: runtime.NumCPU(),
	}
	if git("status", "--porcelain") != "" {
		m.Commit += " and changes"
	}
	return m
}

// git returns what git prints, nothing if that fails.
func git(args ...string) string {
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func load(file string) (*Results, error) {
	r := &Results{}
	data, err := os.ReadFile(filepath.FromSlash(file))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(data, r)
}

func (r *Results) save(file string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.FromSlash(file), append(data, '\n'), 0o644)
}
