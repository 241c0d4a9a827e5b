package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runTests runs every test that the table names.
func runTests(ctx context.Context, table []group, long bool) (TestRun, error) {
	begin := time.Now()
	machine, err := thisMachine()
	if err != nil {
		return TestRun{}, err
	}
	run := TestRun{Machine: machine, Long: long, Passed: map[string]Passed{}}
	byPackage := map[string][]string{}
	for _, name := range named(table) {
		folder, test := split(name)
		byPackage[folder] = append(byPackage[folder], test)
	}
	var errs []error
	for _, folder := range slices.Sorted(maps.Keys(byPackage)) {
		fmt.Fprintf(os.Stderr, "%s: %d tests\n", folder, len(byPackage[folder]))
		events, err := goTest(ctx, folder, byPackage[folder], long)
		if err != nil {
			return TestRun{}, fmt.Errorf("%s: %w", folder, err)
		}
		errs = append(errs, events.collect(folder, byPackage[folder], run.Passed))
	}
	run.Minutes = round(time.Since(begin).Minutes())
	errs = append(errs, complete(table, run.Passed))
	after, err := committed()
	if after != machine.Commit {
		err = errors.Join(err, fmt.Errorf("no longer the commit that was run, %s", machine.Commit))
	}
	return run, errors.Join(append(errs, err)...)
}

// goTest runs the tests of one package, and returns what they said. That one of
// them has failed is no error of this function.
func goTest(ctx context.Context, folder string, tests []string, long bool) (events, error) {
	var out, failure bytes.Buffer
	var whole []string
	for _, test := range tests {
		whole = append(whole, wholeOf(test)) // a subtest runs with its test
	}
	c := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=90m", "-run", "^("+strings.Join(slices.Compact(whole), "|")+")$", "./"+folder)
	c.Stdout, c.Stderr = &out, &failure
	c.Env = append(os.Environ(), "CI=true", "SECRETS_TEST_POWER_CUT=true")
	if long {
		c.Env = append(c.Env, "SECRETS_TEST_LONG=true")
	}
	err := c.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	all, err := parse(&out)
	if err == nil && len(all) == 0 {
		err = errors.New(strings.TrimSpace(failure.String()))
	}
	return all, err
}

// An event is a line of go test -json, as go doc test2json has it.
type event struct {
	Action, Test, Output, Key, Value string
	Elapsed                          float64
}

type events []event

func parse(r io.Reader) (events, error) {
	var all events
	for d := json.NewDecoder(r); ; {
		var e event
		if err := d.Decode(&e); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

// collect adds the tests that have passed to a map. It returns an error for the
// others: a test that is skipped, even in part, has not passed. Nor has one whose
// package fails after it, for what was left behind.
func (all events) collect(folder string, tests []string, passed map[string]Passed) error {
	var errs []error
	for _, test := range tests {
		p, err := all.of(test)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", join(folder, test), err))
			continue
		}
		passed[join(folder, test)] = p
	}
	ofPackage := func(e event) bool { return e.Test == "" && e.Action == "fail" }
	if len(errs) == 0 && slices.ContainsFunc(all, ofPackage) {
		errs = append(errs, fmt.Errorf("%s: the tests passed, and the package failed\n%s", folder, all.output("")))
	}
	return errors.Join(errs...)
}

// of returns what one test and its subtests said.
func (all events) of(test string) (Passed, error) {
	p, ended := Passed{}, false
	for _, e := range all {
		if e.Test != test && !strings.HasPrefix(e.Test, test+"/") {
			continue
		}
		switch e.Action {
		case "attr":
			p.note(e.Key, e.Value)
		case "fail", "skip":
			return Passed{}, fmt.Errorf("%s: %s\n%s", e.Test, e.Action, all.output(e.Test))
		case "pass":
			ended = ended || e.Test == test
			p.Seconds = max(p.Seconds, e.Elapsed) // parallel subtests do not count for their test
		}
	}
	if !ended {
		return Passed{}, errors.New("did not run to its end")
	}
	return p, nil
}

// note adds a figure to the others. Numbers with the same key are added up.
func (p *Passed) note(key, value string) {
	if p.Figures == nil {
		p.Figures = map[string]string{}
	}
	before, errBefore := strconv.Atoi(p.Figures[key])
	now, err := strconv.Atoi(value)
	if errBefore == nil && err == nil {
		value = strconv.Itoa(before + now)
	}
	p.Figures[key] = value
}

// output returns what a test printed.
func (all events) output(test string) string {
	var b strings.Builder
	for _, e := range all {
		if e.Test == test {
			b.WriteString(e.Output)
		}
	}
	return b.String()
}

// complete returns an error for each figure that a row must have, and that none
// of its tests has said, or that came to 0: whatever it counts was not done.
func complete(table []group, passed map[string]Passed) error {
	var errs []error
	for _, g := range table {
		for _, r := range g.rows {
			all := r.said(passed)
			for _, key := range r.figures {
				value, ok := all[key]
				if !ok {
					errs = append(errs, fmt.Errorf("%s: no test said %q", r.title, key))
				}
				if value == "0" && key != "lost" { // of which there are to be none
					errs = append(errs, fmt.Errorf("%s: %q is 0", r.title, key))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// split divides a test's name in the table into the folder of its package and its
// name there.
func split(name string) (folder, test string) {
	i := strings.LastIndexByte(name, '.')
	return cmp.Or(name[:max(i, 0)], "."), name[i+1:]
}

// wholeOf returns the name of the test that a subtest belongs to, or of itself.
func wholeOf(test string) string {
	whole, _, _ := strings.Cut(test, "/")
	return whole
}

func join(folder, test string) string {
	if folder == "." {
		return test
	}
	return folder + "." + test
}

// round keeps two digits behind the point.
func round(f float64) float64 {
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', 2, 64), 64) // of its own text
	return f
}
