package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// thisMachine returns an error if what is run is of no commit.
func thisMachine() (Machine, error) {
	commit, err := committed()
	return Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Commit: commit,
		Date: time.Now().UTC().Format(time.DateOnly), CPUs: runtime.NumCPU(),
	}, err
}

// prune drops the results of tests that the table does not have any more.
func (r *Results) prune(table []group) {
	known := named(table)
	maps.DeleteFunc(r.Tests.Passed, func(name string, _ Passed) bool { return !slices.Contains(known, name) })
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
