package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const begun = `fuzz: elapsed: 0s, gathering baseline coverage: 7/7 completed, now fuzzing with 2 workers
fuzz: elapsed: 3s, execs: 3720 (1240/sec), new interesting: 1 (total: 8)
`

const ended = begun + `fuzz: elapsed: 31m2s, execs: 8000123 (4000/sec), new interesting: 12 (total: 19)
`

func TestTheLastLineOfAFuzzingRunCounts(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]Fuzzed{
		ended + "PASS\nok  \tp\t1862s\n":                                                   {Seconds: 1862, Executions: 8000123, Interesting: 12},
		ended + "--- FAIL: FuzzA\n    context deadline exceeded":                           {Seconds: 1862, Executions: 8000123, Interesting: 12},
		begun + "--- FAIL: FuzzA\n    Failing input written to testdata/fuzz/FuzzA/0123\n": {Seconds: 3, Executions: 3720, Interesting: 1, Found: 1},
	} {
		got, err := parseFuzz([]byte(out))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("got (-want +got):\n%s", diff)
		}
	}
}

func TestAFuzzingRunThatDidNotEndIsAnError(t *testing.T) {
	t.Parallel()
	for _, out := range []string{"", "PASS\n", begun, begun + "panic: out of memory\n", "testing: warning: no fuzz tests to fuzz\nPASS\n"} {
		if got, err := parseFuzz([]byte(out)); err == nil {
			t.Errorf("%q: got %+v", out, got)
		}
	}
}

func TestLogsOfFuzzingAreAddedToTheRest(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(target, out string) {
		if err := os.WriteFile(filepath.Join(folder, target+".log"), []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("FuzzSteps", ended+"PASS\nexit 0\n")
	r := &Results{Fuzz: []Fuzzed{{Target: "FuzzRecords", Executions: 1}, {Target: "internal/torture.FuzzSteps"}}}
	found, err := r.addLogs("../..", folder)
	if found != nil || err != nil {
		t.Fatal(found, err)
	}
	r.Fuzz[1].Date = ""
	want := []Fuzzed{
		{Target: "FuzzRecords", Executions: 1},
		{Target: "internal/torture.FuzzSteps", Seconds: 1862, Executions: 8000123, Interesting: 12},
	}
	if diff := cmp.Diff(want, r.Fuzz); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	write("FuzzCheckEnv", begun+"Failing input written to x\nexit 1\n")
	if found, err := r.addLogs("../..", folder); found == nil || err != nil {
		t.Error("what was found is no error", err)
	}
	write("FuzzRecords", ended) // and goes on
	if _, err := r.addLogs("../..", folder); err == nil {
		t.Error("a log that has not ended is no error")
	}
	if _, err := r.addLogs("../..", t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}
