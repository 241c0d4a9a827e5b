package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// bulk measures how fast many secrets are created, as many as fit in each
// commit, by a few at once, and what that leaves in memory.
var bulk = study{
	name: "bulk/sqlite", unit: perSecond,
	claims: []claim{{
		work: "Bulk create of 100,000 secrets by two goroutines, SQLite", other: "raw batch insertion, one batch after the other", least: 0.5,
		explain: shares("raw batch insertion, one batch after the other"),
	}},
	setup: func(l *lab) (*race, error) {
		a, r, err := l.written("sqlite")
		if err != nil {
			return nil, err
		}
		created := 0
		ours := r.ours("ours", func(context.Context) error { return l.createStep(a, &created) })
		return &race{turns: l.steps(), close: closer(r), ways: []way{
			inverted(ours, step), inverted(r.raw("raw batch insertion, one batch after the other"), step),
		}}, nil
	},
}

// step is how many secrets are created before it is the other way's turn.
const step = 1000

// steps is how many of them in a round make 100,000 secrets in all.
func (c config) steps() int { return max(c.hundredThousand()/step/c.rounds, 1) }

// importers is how many change something at once: while one waits for its commit
// the other encrypts.
const importers = 2

func (l *lab) createStep(a *acme, created *int) error {
	first := *created
	*created += step
	errs := make([]error, importers)
	var group sync.WaitGroup
	for i := range importers {
		group.Go(func() {
			for at := i * maxChange; at < step && errs[i] == nil; at += importers * maxChange {
				errs[i] = l.create(a.org, first+at, maxChange)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// inverted is a way whose figure is how many times n there are in a second.
func inverted(w way, n float64) way {
	return way{w.name, func(ctx context.Context) (float64, error) {
		figure, err := w.measure(ctx)
		return n / figure * float64(time.Second), err
	}}
}
