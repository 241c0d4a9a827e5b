package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"
)

// share is how long a study is measured, with all its ways and rounds.
func (c config) share() time.Duration {
	if c.quick {
		return 1500 * time.Millisecond
	}
	return 10 * time.Second
}

const maxTurns = 10_000 // in a round

func measureAll(l *lab, w io.Writer) (*report, error) {
	r := newReport(l.config)
	for _, s := range studies {
		if !l.only.MatchString(s.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(w, "%s\n", s.name)
		result, err := l.measure(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		r.Studies = append(r.Studies, *result)
		for _, v := range result.verdicts(s) {
			fmt.Fprintf(w, "    %s\n", v)
		}
		fmt.Fprintf(w, "    %s\n", time.Since(began).Round(100*time.Millisecond))
	}
	if err := l.measureSizes(r, w); err != nil {
		return nil, err
	}
	if len(r.Studies) == 0 && len(r.Links) == 0 {
		return nil, fmt.Errorf("no study matches %q: see -list", l.only)
	}
	return r, nil
}

func (l *lab) measure(s study) (*studyResult, error) {
	r, err := s.setup(l)
	if err != nil {
		return nil, err
	}
	if r.close != nil {
		defer r.close()
	}
	turns, err := r.rehearse(l.ctx, l.config)
	if err != nil {
		return nil, err
	}
	result := &studyResult{Name: s.name, Unit: s.unit, Turns: turns}
	for _, w := range r.ways {
		result.Ways = append(result.Ways, wayResult{Name: w.name})
	}
	rounds := l.rounds
	if r.once {
		rounds = 1
	}
	for n := range rounds {
		medians, err := r.round(l.ctx, turns, n)
		if err != nil {
			return nil, err
		}
		for i, m := range medians {
			result.Ways[i].Rounds = append(result.Ways[i].Rounds, m)
		}
	}
	return result, nil
}

// rehearse goes every way once or twice, so that everything is warm, and says how many
// turns of a round fit the time there is.
func (r *race) rehearse(ctx context.Context, c config) (turns int, err error) {
	if r.turns > 0 {
		return r.turns, nil
	}
	var took time.Duration
	for range 2 {
		start := time.Now()
		if _, err := r.round(ctx, 1, 0); err != nil {
			return 0, err
		}
		took = time.Since(start)
	}
	fit := c.share() / time.Duration(c.rounds) / max(took, 1)
	return min(max(int(fit), 1), maxTurns), nil
}

// round goes every way so many times, each in its turn, and returns their
// medians. Every other turn goes backwards, so that none is always behind the
// same other one.
func (r *race) round(ctx context.Context, turns, n int) ([]float64, error) {
	runtime.GC()
	figures := make([][]float64, len(r.ways))
	for turn := range turns {
		for i := range r.ways {
			if (turn+n)%2 == 1 {
				i = len(r.ways) - 1 - i
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			figure, err := r.ways[i].measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.ways[i].name, err)
			}
			figures[i] = append(figures[i], figure)
		}
	}
	medians := make([]float64, len(figures))
	for i, f := range figures {
		medians[i] = median(f)
	}
	return medians, nil
}

func median(figures []float64) float64 { return quantile(figures, 0.5) }

// quantile does not change what it is given.
func quantile(figures []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// startProfile profiles until it is stopped, if there is a file to write to.
func startProfile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
