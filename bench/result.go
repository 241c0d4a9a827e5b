package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A report is what was measured in one run. Everything on the page comes from
// it, so that the page can be written again.
type report struct {
	Date    time.Time
	Commit  string
	Machine string
	Go      string
	Rounds  int
	Quick   bool
	Studies []studyResult
	Links   []linkResult
	Usage   []usageResult
}

// A studyResult holds a median for each way and round.
type studyResult struct {
	Name  string
	Unit  unit
	Turns int // in each round
	Ways  []wayResult
}

type wayResult struct {
	Name   string
	Rounds []float64
}

func newReport(c config) *report {
	return &report{
		Date: time.Now().UTC().Truncate(time.Second), Commit: commit(), Machine: machine(),
		Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, Rounds: c.rounds, Quick: c.quick,
	}
}

const resultsFile = "performance.json"

func readReport(docs string) (*report, error) {
	data, err := os.ReadFile(filepath.Join(docs, resultsFile))
	if err != nil {
		return nil, err
	}
	r := &report{}
	return r, json.Unmarshal(data, r)
}

// write writes the results, the page and the plots.
func (r *report) write(docs string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(docs, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, resultsFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := r.writePlots(filepath.Join(docs, "performance")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "performance.md"), []byte(r.page()), 0o644)
}

func (r *report) study(name string) *studyResult {
	for i := range r.Studies {
		if r.Studies[i].Name == name {
			return &r.Studies[i]
		}
	}
	return nil
}

// way returns the figures of a way, nil if it was not measured.
func (s *studyResult) way(name string) *wayResult {
	for i := range s.Ways {
		if s.Ways[i].Name == name {
			return &s.Ways[i]
		}
	}
	return nil
}

// figure is the median of a way, 0 if it was not measured.
func (s *studyResult) figure(name string) float64 {
	if w := s.way(name); w != nil {
		return median(w.Rounds)
	}
	return 0
}

// ratio takes two that are nothing for equal.
func ratio(ours, other float64) float64 {
	if ours == 0 && other == 0 {
		return 1
	}
	return ours / other
}

// A verdict is what became of a claim.
type verdict struct {
	claim
	study            *studyResult
	oursName         string
	ours, other      float64
	ratio, low, high float64 // of the rounds' ratios: median, least, greatest
}

// verdicts leaves out the claims whose other way could not be measured.
func (s *studyResult) verdicts(of study) (verdicts []verdict) {
	for _, c := range of.claims {
		ours, other := &s.Ways[0], s.way(c.other)
		if c.ours != "" {
			ours = s.way(c.ours)
		}
		if ours == nil || other == nil {
			continue
		}
		var ratios []float64
		for i := range ours.Rounds {
			ratios = append(ratios, ratio(ours.Rounds[i], other.Rounds[i]))
		}
		verdicts = append(verdicts, verdict{
			claim: c, study: s, oursName: ours.Name, ours: median(ours.Rounds), other: median(other.Rounds),
			ratio: median(ratios), low: quantile(ratios, 0), high: quantile(ratios, 1),
		})
	}
	return verdicts
}

func (v verdict) met() bool {
	if v.least > 0 {
		return v.ratio >= v.least
	}
	return v.ratio <= v.most
}

// met is how many targets are met.
func (r *report) met() (n int) {
	for _, v := range r.verdicts() {
		if v.met() {
			n++
		}
	}
	return n
}

func (v verdict) target() string {
	if v.least > 0 {
		return "≥ " + number(v.least)
	}
	return "≤ " + number(v.most)
}

func (v verdict) String() string {
	met := "met"
	if !v.met() {
		met = "MISSED"
	}
	return fmt.Sprintf("%-6s %s (%s to %s), target %s: %s %s, %s %s: %s", met, number(v.ratio), number(v.low), number(v.high), v.target(),
		v.oursName, v.study.Unit.format(v.ours), v.claim.other, v.study.Unit.format(v.other), v.work)
}

// number prints a ratio.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f < 0.1 && f > 0:
		return fmt.Sprintf("%.1g", f)
	default:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
	}
}

// format prints a figure with three digits.
func (u unit) format(f float64) string {
	switch u {
	case nanoseconds:
		for _, scale := range []struct {
			least float64
			name  string
		}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
			if f >= scale.least {
				return fmt.Sprintf("%.3g %s", f/scale.least, scale.name)
			}
		}
		return fmt.Sprintf("%.3g ns", f)
	case byteCount:
		switch {
		case f >= 1<<20:
			return fmt.Sprintf("%.1f MiB", f/(1<<20))
		case f >= 1<<10:
			return fmt.Sprintf("%.1f KiB", f/(1<<10))
		}
		return fmt.Sprintf("%.0f B", f)
	case perSecond:
		if f >= 1e6 {
			return fmt.Sprintf("%.0f million/s", f/1e6)
		}
		return fmt.Sprintf("%.0f/s", f)
	default:
		return fmt.Sprintf("%.3g", f)
	}
}
