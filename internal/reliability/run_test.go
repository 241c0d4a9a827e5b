package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const output = `
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"kills","Value":"3"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"attr","Package":"p","Test":"TestA/one","Key":"kills","Value":"4"}
{"Action":"attr","Package":"p","Test":"TestA/one","Key":"p99","Value":"12ms"}
{"Action":"pass","Package":"p","Test":"TestA/one","Elapsed":2.5}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":1.5}
{"Action":"attr","Package":"p","Test":"TestAB","Key":"kills","Value":"1000"}
{"Action":"pass","Package":"p","Test":"TestAB","Elapsed":2}
{"Action":"output","Package":"p","Test":"TestFails","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestFails","Elapsed":1}
{"Action":"skip","Package":"p","Test":"TestHalf/one","Elapsed":0}
{"Action":"pass","Package":"p","Test":"TestHalf","Elapsed":1}
{"Action":"skip","Package":"p","Test":"TestSkips","Elapsed":0}
{"Action":"run","Package":"p","Test":"TestHangs"}
`

func TestWhatATestSaysIsCollectedWithThatOfItsSubtests(t *testing.T) {
	t.Parallel()
	passed := map[string]Passed{}
	if err := said(t).collect("storage/p", []string{"TestA", "TestA/one"}, passed); err != nil {
		t.Fatal(err)
	}
	want := map[string]Passed{
		"storage/p.TestA":     {2.5, map[string]string{"kills": "7", "p99": "12ms"}},
		"storage/p.TestA/one": {2.5, map[string]string{"kills": "4", "p99": "12ms"}},
	}
	if diff := cmp.Diff(want, passed); diff != "" {
		t.Errorf("passed (-want +got):\n%s", diff)
	}
}

func TestATestThatDidNotPassIsAnError(t *testing.T) {
	t.Parallel()
	for test, want := range map[string]string{
		"TestFails": "TestFails: fail\nwhy\n", "TestSkips": "TestSkips: skip", "TestHalf": "TestHalf/one: skip",
		"TestHangs": "did not run to its end", "TestIsNotThere": "did not run to its end",
	} {
		passed := map[string]Passed{}
		err := said(t).collect(".", []string{test}, passed)
		if err == nil || !strings.Contains(err.Error(), want) || len(passed) > 0 {
			t.Errorf("%s: got %v, %v", test, passed, err)
		}
	}
}

// Such as one whose tests have left a goroutine behind.
func TestAPackageThatFailsThoughItsTestsPassIsAnError(t *testing.T) {
	t.Parallel()
	all := append(said(t), event{Action: "output", Output: "left behind\n"}, event{Action: "fail"})
	if err := all.collect("p", []string{"TestA"}, map[string]Passed{}); err == nil || !strings.Contains(err.Error(), "left behind") {
		t.Errorf("got %v", err)
	}
}

func said(t *testing.T) events {
	t.Helper()
	all, err := parse(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Such as a test that cuts the power, where it cannot.
func TestAFigureThatNoTestSaidOrThatIs0IsAnError(t *testing.T) {
	t.Parallel()
	table := []group{{rows: []row{{title: "power", tests: []string{"TestA", "TestB"}, figures: []string{"cuts", "lost"}}}}}
	if err := complete(table, map[string]Passed{"TestA": {}, "TestB": {}}); err == nil {
		t.Error("no error")
	}
	said := func(cuts, lost string) map[string]Passed {
		return map[string]Passed{"TestA": {}, "TestB": {Figures: map[string]string{"cuts": cuts, "lost": lost}}}
	}
	if err := complete(table, said("1", "0")); err != nil {
		t.Error(err)
	}
	if err := complete(table, said("0", "0")); err == nil {
		t.Error("none was made, and it is no error")
	}
}

func TestATestOfTheRootHasNoPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"TestA": {".", "TestA"}, "storage/sqlite.TestA": {"storage/sqlite", "TestA"}, "crypto.TestA/one": {"crypto", "TestA/one"},
	} {
		folder, test := split(name)
		if got := [2]string{folder, test}; got != want || join(folder, test) != name {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
