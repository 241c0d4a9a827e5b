// Package leaktest fails the tests of a package that leave goroutines or open
// files behind. It looks when all of them have run, since those that run in
// parallel cannot be told apart. To find the one that leaks, run each alone, as
// .ci/run does.
package leaktest

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long what is about to end may take.
const patience = 3 * time.Second

// Main is for TestMain. It runs the tests, stops what they share, and ends the
// process: with a failure also if a goroutine is left, or a file is open that was
// not before. If a test has failed it does not look, since one that stops half-way
// may leave something.
func Main(m *testing.M, stop ...func()) {
	before := openFiles()
	code := m.Run()
	for _, stop := range stop {
		stop()
	}
	if code == 0 {
		if err := await(before); err != nil {
			fmt.Fprintf(os.Stderr, "the tests have left something behind\n%v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// await waits until nothing is left, and returns what is all the same.
func await(before files) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := errors.Join(goleak.Find(), before.check(openFiles()))
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
