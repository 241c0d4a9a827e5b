package main

import (
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/bench/byhand"
)

// quick is a run of the cheap studies: no server, no peer, one round.
func quick(t *testing.T, only string) *report {
	t.Helper()
	l, err := newLab(t.Context(), config{rounds: 1, quick: true, only: regexp.MustCompile(only)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	r, err := measureAll(l, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStudiesThatNeedNoServerRunAndMakeAPage(t *testing.T) { // not parallel: it counts allocations
	cheap := []string{"live$", "lookup", "environment/(memory|sqlite)", "(create|update0|readers)/sqlite", "memory/session"}
	r := quick(t, "^("+strings.Join(cheap, "|")+")")
	for _, c := range cheap {
		if !slices.ContainsFunc(r.Studies, func(s studyResult) bool { return regexp.MustCompile("^" + c).MatchString(s.Name) }) {
			t.Errorf("no study %s ran", c)
		}
	}
	for _, s := range r.Studies {
		for _, w := range s.Ways {
			if f := median(w.Rounds); len(w.Rounds) != 1 || f < 0 || math.IsNaN(f) {
				t.Errorf("%s, %s: %v", s.Name, w.Name, w.Rounds)
			}
		}
	}
	docs := t.TempDir()
	if err := r.write(docs); err != nil {
		t.Fatal(err)
	}
	again, err := readReport(docs)
	if err != nil || again.page() != r.page() {
		t.Errorf("the page differs when it is written again (%v)", err)
	}
	for file, want := range map[string]string{
		"performance.md":          "| Create a secret, sqlite |",
		"performance/targets.svg": "how much of its target",
	} {
		data, err := os.ReadFile(filepath.Join(docs, file))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %q (%v)", file, want, err)
		}
	}
}

func TestAnExpressionThatMatchesNoStudyIsAnError(t *testing.T) {
	t.Parallel()
	l, err := newLab(t.Context(), config{rounds: 1, quick: true, only: regexp.MustCompile("nosuch")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if _, err := measureAll(l, io.Discard); err == nil {
		t.Error("no error")
	}
}

func TestByHandReadsWhatASessionReads(t *testing.T) {
	t.Parallel()
	l, err := newLab(t.Context(), config{quick: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	c, err := l.crowd(0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := byhand.OpenSQLite(c.file)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for what, reads := range map[string]byhand.Reads{"driver": c.store, "raw": file} {
		app, err := byhand.Open(t.Context(), reads, c.token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		values, err := app.Environment(t.Context())
		if err != nil || len(values) != variables {
			t.Fatalf("%s: %d values, %v", what, len(values), err)
		}
		for i := range variables {
			if got := values[variable(i)]; got != value(i) {
				t.Errorf("%s: %s is %q, want %q", what, variable(i), got, value(i))
			}
		}
	}
}

func TestEachStudyHasANameOfItsOwnAndClaimsThatItCanSettle(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range studies {
		if s.name == "" || seen[s.name] || s.setup == nil {
			t.Errorf("study %q is there twice, or cannot be run", s.name)
		}
		seen[s.name] = true
		for _, c := range s.claims {
			if c.work == "" || c.other == "" || (c.most > 0) == (c.least > 0) {
				t.Errorf("%s: claim %+v", s.name, c.work)
			}
		}
	}
}

func TestARatioIsTheMedianOfTheRoundsRatios(t *testing.T) {
	t.Parallel()
	s := studyResult{Ways: []wayResult{{"ours", []float64{1, 20, 3}}, {"other", []float64{1, 10, 2}}}}
	got := s.verdicts(study{claims: []claim{{other: "other", most: 1.4}, {other: "absent", most: 1}, {other: "other", least: 1.5}}})
	if len(got) != 2 {
		t.Fatalf("%d verdicts, want one for each claim whose ways were measured", len(got))
	}
	if v := got[0]; v.ratio != 1.5 || v.low != 1 || v.high != 2 || v.met() {
		t.Errorf("ratio %v (%v to %v), met %t", v.ratio, v.low, v.high, v.met())
	}
	if !got[1].met() {
		t.Error("a ratio that is the least is not met")
	}
}

func TestTurnsAlternate(t *testing.T) {
	t.Parallel()
	var order strings.Builder
	note := func(name string) way {
		return way{name, func(context.Context) (float64, error) {
			order.WriteString(name)
			return 1, nil
		}}
	}
	r := &race{ways: []way{note("a"), note("b")}}
	if _, err := r.round(t.Context(), 3, 0); err != nil || order.String() != "abbaab" {
		t.Errorf("order %s, %v", order.String(), err)
	}
}
