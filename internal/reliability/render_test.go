package main

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestThePageShowsEachRowWithItsResult(t *testing.T) {
	t.Parallel()
	results := &Results{
		Tests: TestRun{
			Machine: Machine{System: "linux/amd64", Go: "go1.26", Commit: "0123456789ab", Date: "2026-01-02", CPUs: 2}, Long: true, Minutes: 12.34,
			Passed: map[string]Passed{
				"TestA":        {1.25, map[string]string{"kills": "135", "acknowledged": "17972"}},
				"crypto.TestB": {Seconds: 0.5},
			},
		},
		Fuzz: []Fuzzed{{Target: "FuzzA", Date: "2026-01-03", Seconds: 1862, Executions: 8000123, Interesting: 12}},
	}
	table := []group{{"One", "About one.", []row{
		{"kill", "nothing is lost", []string{"TestA", "crypto.TestB"}, nil},
		{"new", "is new", []string{"TestNew"}, nil},
		{"partly new", "has a new test", []string{"TestA", "crypto.TestB", "TestNew"}, nil},
		{"mostly new", "has new tests", []string{"TestA", "TestNew", "TestNewer"}, nil},
	}}}
	got := renderPage(table, results)
	if *update {
		if err := os.WriteFile("testdata/page.md", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/page.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
