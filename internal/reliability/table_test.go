package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const howTo = "add it to the table in internal/reliability, and run go run ./internal/reliability"

func TestEveryTestOfTheTableIsInTheSource(t *testing.T) {
	t.Parallel()
	all := source(t)
	for _, name := range named(table) {
		if folder, test := split(name); !all[join(folder, wholeOf(test))] {
			t.Errorf("there is no %s", name)
		}
	}
}

// incident matches the tests that are named after what has happened elsewhere.
var incident = regexp.MustCompile(`\bTest(CVE|GHSA|Sops|Vault|Godotenv|Golang)[0-9A-Z]*[0-9]`)

func TestEveryTestOfTortureAndOfAnIncidentIsInTheTable(t *testing.T) {
	t.Parallel()
	known := named(table)
	for name := range source(t) {
		wanted := strings.HasPrefix(name, "internal/torture.Test") || incident.MatchString(name)
		if wanted && !slices.Contains(known, name) {
			t.Errorf("%s: %s", name, howTo)
		}
	}
}

func TestEveryFuzzTargetHasRun(t *testing.T) {
	t.Parallel()
	targets, err := fuzzTargets("../..")
	if err != nil {
		t.Fatal(err)
	}
	results := kept(t)
	for _, target := range targets {
		if !slices.ContainsFunc(results.Fuzz, func(f Fuzzed) bool { return f.Target == target }) {
			t.Errorf("%s has no results: run go run ./internal/reliability -fuzz 30m", target)
		}
	}
}

func TestThePageIsWhatTheResultsSay(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../" + pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(renderPage(table, kept(t))), string(page)); diff != "" {
		t.Errorf("run go run ./internal/reliability -render (-want +got):\n%s", diff)
	}
}

// What is new in the table was not run yet, and says so until it is.
func TestResultsAreOfTestsOfTheTable(t *testing.T) {
	t.Parallel()
	known := named(table)
	for name := range kept(t).Tests.Passed {
		if !slices.Contains(known, name) {
			t.Errorf("%s is in the results alone", name)
		}
	}
}

func source(t *testing.T) map[string]bool {
	t.Helper()
	all, err := declared("../..")
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

func kept(t *testing.T) *Results {
	t.Helper()
	results, err := load("../../" + resultsFile)
	if err != nil || len(results.Tests.Passed) == 0 {
		t.Fatal("no results kept", err)
	}
	return results
}
