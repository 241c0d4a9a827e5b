// Command reliability runs the tests that hold what this library promises, and
// writes what they showed to docs/reliability.md. It is run in the folder of the
// module:
//
//	go run ./internal/reliability             the tests, minutes
//	go run ./internal/reliability -long       the tests with more rounds, about an hour
//	go run ./internal/reliability -fuzz 30m   every fuzz target for that long
//	go run ./internal/reliability -fuzzlogs F the outputs of go test -fuzz in F/TARGET.log
//	go run ./internal/reliability -render     nothing: writes the page again
//
// The results are kept in docs/reliability.json, from which the page is made, so
// that one part is made anew without the others. If a test fails, is skipped or is
// not there, or says less than it should, nothing is written; nor is it if a file
// is not committed, so that the commit on the page is what was run. A fuzz target
// that has found something is written down, and is an error all the same. Tests
// that have left the table are dropped from the results.
//
// Cutting the power of a disk takes root and a loop device.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

const (
	resultsFile = "docs/reliability.json"
	pageFile    = "docs/reliability.md"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	long := flag.Bool("long", false, "run the tests with more rounds")
	fuzz := flag.Duration("fuzz", 0, "run every fuzz target for this long, and no test")
	logs := flag.String("fuzzlogs", "", "take the outputs of go test -fuzz from `folder`/TARGET.log, and run no test")
	render := flag.Bool("render", false, "write the page again, and run no test")
	flag.Parse()
	if err := report(ctx, *long, *fuzz, *logs, *render); err != nil {
		fmt.Fprintln(os.Stderr, "reliability:", err)
		os.Exit(1)
	}
}

// report makes one part of the results anew, and the page of all.
func report(ctx context.Context, long bool, fuzz time.Duration, logs string, render bool) error {
	results, err := load(resultsFile)
	if err != nil {
		return err
	}
	var found error
	switch {
	case render:
	case logs != "":
		found, err = results.addLogs(".", logs)
	case fuzz > 0:
		found, err = results.fuzz(ctx, ".", fuzz)
	default:
		results.Tests, err = runTests(ctx, table, long)
	}
	if err != nil {
		return err
	}
	results.prune(table)
	if err := results.save(resultsFile); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.FromSlash(pageFile), renderPage(table, results), 0o644); err != nil {
		return err
	}
	return found
}
