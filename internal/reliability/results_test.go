package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResultsOfATestThatLeftTheTableAreDropped(t *testing.T) {
	t.Parallel()
	r := &Results{Tests: TestRun{Passed: map[string]Passed{"TestA": {Seconds: 1}, "TestOld": {Seconds: 2}}}}
	r.prune([]group{{rows: []row{{tests: []string{"TestA", "TestNew"}}}}})
	if diff := cmp.Diff(map[string]Passed{"TestA": {Seconds: 1}}, r.Tests.Passed); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
