package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// readers measures how long the slowest reads in a hundred take, while somebody
// writes all the time.
func readers() (list []study) {
	for _, driver := range durableDrivers {
		list = append(list, study{
			name: "readers/" + driver, unit: nanoseconds,
			claims: []claim{{
				work: "p99 of `Session.Environment` during continuous writes, " + driver, other: "without writers", most: 2,
			}},
			setup: func(l *lab) (*race, error) { return l.readers(driver) },
		})
	}
	return append(list, setecReaders)
}

func (c config) reads() int {
	if c.quick {
		return 100
	}
	return 400
}

func (l *lab) readers(driver string) (*race, error) {
	a, err := l.acme(driver)
	if err != nil {
		return nil, err
	}
	session, err := secrets.Connect(l.ctx, a.store, a.token)
	if err != nil {
		return nil, err
	}
	update := updater(a, name(variables/2)) // of what is read
	return &race{close: closer(a.store), ways: []way{
		{"with a writer", func(ctx context.Context) (float64, error) {
			var slowest float64
			err := beside(ctx, update, func() (err error) {
				slowest, err = p99(ctx, session, l.reads())
				return err
			})
			return slowest, err
		}},
		{"without writers", func(ctx context.Context) (float64, error) { return p99(ctx, session, l.reads()) }},
	}}, nil
}

// beside calls do while write is called again and again.
func beside(ctx context.Context, write func(context.Context) error, do func() error) error {
	done := make(chan struct{})
	var writer sync.WaitGroup
	var failed error
	writer.Go(func() {
		for failed == nil {
			select {
			case <-done:
				return
			default:
				failed = write(ctx)
			}
		}
	})
	err := do()
	close(done)
	writer.Wait()
	return errors.Join(err, failed)
}

func p99(ctx context.Context, session *secrets.Session, reads int) (float64, error) {
	took := make([]float64, reads)
	for i := range took {
		start := time.Now()
		env, err := session.Environment(ctx)
		if err := checkLen(env.Len, err); err != nil {
			return 0, err
		}
		took[i] = float64(time.Since(start))
	}
	return quantile(took, 0.99), nil
}

// setecReaders is the same with the lock that setec has around its database.
var setecReaders = study{
	name: "readers/setec", unit: nanoseconds,
	setup: func(l *lab) (*race, error) {
		others := 50_000
		if l.quick {
			others = 5_000
		}
		setec, err := l.setec(others)
		if err != nil {
			return nil, err
		}
		return &race{turns: 1, once: true, ways: []way{ // a read takes as long as a write
			setec.way("with a writer", "busy 100"),
			setec.way("without writers", "reads 100"),
		}}, nil
	},
}

// setec opens a database of setec with so many secrets, in a process of its own.
func (l *lab) setec(others int) (*conversation, error) {
	dir, file, err := l.peerFiles()
	if err != nil {
		return nil, err
	}
	prepare, err := l.peer("prepare")
	if err != nil {
		return nil, err
	}
	if _, err := l.output(prepare, nil, file, dir, strconv.Itoa(others)); err != nil {
		return nil, err
	}
	program, err := l.peer("setecbench")
	if err != nil {
		return nil, err
	}
	return l.converse(program, dir, variable(0))
}
