package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// settings is what an app watches.
type settings struct {
	Database string `env:"M_SECRET_00"`
}

const loops = 200_000 // of what takes nanoseconds, in one turn

// live measures the value that a running app reads at every request.
var live = study{
	name: "live", unit: nanoseconds,
	claims: []claim{{work: "`Live.Get`", other: "an atomic load", most: 2}},
	setup: func(l *lab) (*race, error) {
		value, err := watched(l.ctx)
		if err != nil {
			return nil, err
		}
		var pointer atomic.Pointer[settings]
		pointer.Store(value.Get())
		return &race{ways: []way{
			looped("ours", loops, func(n int) (sum int) {
				for range n {
					sum += len(value.Get().Database)
				}
				return sum
			}),
			looped("an atomic load", loops, func(n int) (sum int) {
				for range n {
					sum += len(pointer.Load().Database)
				}
				return sum
			}),
		}}, nil
	},
}

func watched(ctx context.Context) (*envload.Live[settings], error) {
	env, err := fifty()
	if err != nil {
		return nil, err
	}
	return envload.Watch[settings](ctx, env, nil)
}

// fifty is an environment that no store was read for.
func fifty() (*secrets.Environment, error) {
	var vars []secrets.Variable
	for i := range variables {
		vars = append(vars, secrets.Variable{Name: variable(i), Secret: name(i), Value: secrets.Text(value(i))})
	}
	return secrets.NewEnvironment(vars...)
}

// lookup measures an environment beside a map of its values.
var lookup = study{
	name: "lookup", unit: nanoseconds,
	claims: []claim{{work: "`Environment.Lookup`", other: "a map lookup", most: 2}},
	setup: func(*lab) (*race, error) {
		env, err := fifty()
		if err != nil {
			return nil, err
		}
		names, values := make([]string, variables), map[string]string{}
		for i := range variables {
			names[i] = variable(i)
			values[names[i]] = value(i)
		}
		return &race{ways: []way{
			looped("ours", loops, func(n int) (found int) {
				for i := range n {
					if _, ok := env.Lookup(names[i%variables]); ok {
						found++
					}
				}
				return found
			}),
			looped("a map lookup", loops, func(n int) (found int) {
				for i := range n {
					if _, ok := values[names[i%variables]]; ok {
						found++
					}
				}
				return found
			}),
		}}, nil
	},
}

// scaling measures whether two goroutines read twice as much as one.
var scaling = study{
	name: "live/scaling", unit: perSecond,
	claims: []claim{{work: "`Live.Get` from two goroutines, on two cores", other: "from one", least: 1.6}},
	setup: func(l *lab) (*race, error) {
		value, err := watched(l.ctx)
		if err != nil {
			return nil, err
		}
		return &race{ways: []way{
			{"ours", func(context.Context) (float64, error) { return getRate(value, 2), nil }},
			{"from one", func(context.Context) (float64, error) { return getRate(value, 1), nil }},
		}}, nil
	},
}

// getRate is how often so many goroutines read a second.
func getRate(value *envload.Live[settings], goroutines int) float64 {
	const gets = 2_000_000
	var group sync.WaitGroup
	start := time.Now()
	for range goroutines {
		group.Go(func() {
			sum := 0
			for range gets {
				sum += len(value.Get().Database)
			}
			if sum == 0 {
				panic("nothing was read")
			}
		})
	}
	group.Wait()
	return float64(goroutines*gets) / time.Since(start).Seconds()
}

// allocations counts, and measures no time.
var allocations = study{
	name: "lookup/allocations", unit: count,
	claims: []claim{{work: "Allocations of `Live.Get`, `Environment.Lookup` and `Environment.Secret` together", other: "none", most: 1}},
	setup: func(l *lab) (*race, error) {
		value, err := watched(l.ctx)
		if err != nil {
			return nil, err
		}
		env, err := fifty()
		if err != nil {
			return nil, err
		}
		return &race{turns: 1, ways: []way{
			{"ours", func(context.Context) (float64, error) {
				return testing.AllocsPerRun(1000, func() {
					watched := value.Get()
					_, byName := env.Lookup("M_SECRET_07")
					_, bySecret := env.Secret("m-secret-07")
					if watched == nil || !byName || !bySecret {
						panic("something is missing")
					}
				}), nil
			}},
			fixed("none", 0),
		}}, nil
	},
}
