package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// renderPage returns the page of the results.
func renderPage(table []group, r *Results) []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	renderMachine(&b, r.Tests)
	for _, g := range table {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| | what is shown | tests | result | figures |\n|---|---|---|---|---|\n", g.title, g.about)
		for _, row := range g.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.title, row.shown, names(row.tests), outcome(row, r.Tests.Passed), figures(row, r.Tests.Passed))
		}
	}
	renderFuzz(&b, r.Fuzz)
	return b.Bytes()
}

const preface = `# Reliability

What this library promises, and the tests that hold it. This page is made of reliability.json and of a table in the source, by a command: do not edit it.

` + "```" + `
go run ./internal/reliability              # the tests below
go run ./internal/reliability -long        # with more rounds, processes, kills and damage
go run ./internal/reliability -fuzz 30m    # every fuzz target for that long
go run ./internal/reliability -fuzzlogs F  # what go test -fuzz printed, in F/TARGET.log
go run ./internal/reliability -render      # this page again
` + "```" + `

The tests need what [CONTRIBUTING.md](../CONTRIBUTING.md) says, and root and a loop device to cut the power of a disk. A test that fails, is skipped or is not
there makes the command fail, and nothing is written; so does a file that is not committed. "passed" is said where every test of a row has; the time is the sum
of theirs, which run side by side. "not run yet" is said of a row that is newer than the last run. A test without a path is of the root package.

All of them but the power cuts run in ` + "`.ci/run`" + `, at the default length, as part of ` + "`go test ./...`" + ` and once more under the race detector; the engine's also over
SQLite, PostgreSQL and etcd, and those of the engine and of SQLite at full length, with the power cuts where root and a loop device allow; each fuzz target for ten
seconds.

Not tested: other systems and processors than the one below, a network between machines, the key service of a cloud provider, and weeks of running. The code and
its tests have the same authors.
`

func renderMachine(b *bytes.Buffer, run TestRun) {
	length := "at default length"
	if run.Long {
		length = "at full length (`-long`)"
	}
	fmt.Fprintf(b, "\nThe tests last ran %s on %s at commit %s, on %s with %d CPUs and %s: %.1f minutes.\n",
		length, run.Machine.Date, run.Machine.Commit, run.Machine.System, run.Machine.CPUs, run.Machine.Go, run.Minutes)
}

func names(tests []string) string {
	return "`" + strings.Join(tests, "`<br>`") + "`"
}

// outcome says how many tests of a row have passed, and how long they took. Those
// that are new have not been run.
func outcome(r row, passed map[string]Passed) string {
	ran, seconds := 0, 0.0
	for _, test := range r.tests {
		if p, ok := passed[test]; ok {
			ran++
			seconds += p.Seconds
		}
	}
	switch {
	case ran == 0:
		return "**not run yet**"
	case ran == len(r.tests) && seconds < 0.05:
		return "passed"
	case ran == len(r.tests):
		return fmt.Sprintf("passed, %.1f s", seconds)
	case ran == len(r.tests)-1:
		return fmt.Sprintf("%d of %d passed, %.1f s; the other is newer than the run", ran, len(r.tests), seconds)
	}
	return fmt.Sprintf("%d of %d passed, %.1f s; the others are newer than the run", ran, len(r.tests), seconds)
}

// figures lists what the tests of a row said.
func figures(r row, passed map[string]Passed) string {
	all := r.said(passed)
	var said []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		said = append(said, fmt.Sprintf("%s: %s", strings.ReplaceAll(key, "-", " "), all[key]))
	}
	return strings.Join(said, "<br>")
}

func renderFuzz(b *bytes.Buffer, fuzzed []Fuzzed) {
	b.WriteString(`
## Fuzzing

The corpora are in the repository; ` + "`go test ./...`" + ` runs every input of theirs.

| target | date | ran for | executions | new inputs of interest | failing inputs |
|---|---|---|---|---|---|
`)
	for _, f := range fuzzed {
		fmt.Fprintf(b, "| `%s` | %s | %v | %d | %d | %d |\n",
			f.Target, f.Date, time.Duration(f.Seconds)*time.Second, f.Executions, f.Interesting, f.Found)
	}
}
