package main

import (
	"context"
	"errors"
	"time"
)

// A study measures several ways to do the same work, turn by turn. The first is
// ours.
type study struct {
	name   string // for -only
	unit   unit
	claims []claim
	setup  func(*lab) (*race, error)
}

// A claim compares two ways of a study: the figure of one divided by that of the
// other is at most, or at least, so much.
type claim struct {
	work    string // as the page has it
	ours    string // name of a way; the first, if empty
	other   string // name of a way
	most    float64
	least   float64
	explain func(*studyResult) string // where the rest of the time goes; may be nil
}

// A race is a study that is ready to be measured.
type race struct {
	ways  []way
	turns int    // in each round, if that must be fixed
	once  bool   // one round is all there is time for
	close func() // may be nil
}

// A way does the work once and returns its figure: mostly how long it took.
type way struct {
	name    string
	measure func(ctx context.Context) (float64, error)
}

// unit is what the figures of a study are.
type unit string

const (
	nanoseconds unit = "ns"
	perSecond   unit = "/s"
	byteCount   unit = "B"
	count       unit = ""
)

// timed is a way whose figure is the time of one call.
func timed(name string, do func(context.Context) error) way {
	return way{name, func(ctx context.Context) (float64, error) {
		start := time.Now()
		err := do(ctx)
		return float64(time.Since(start)), err
	}}
}

// looped is a way whose figure is the time of one of n calls, for what takes
// nanoseconds. do makes the calls and returns something of what they gave, which
// is not 0, so that the compiler does not drop them.
func looped(name string, n int, do func(n int) int) way {
	return way{name, func(context.Context) (float64, error) {
		start := time.Now()
		sum := do(n)
		took := time.Since(start)
		if sum == 0 {
			return 0, errors.New("the calls gave nothing")
		}
		return float64(took) / float64(n), nil
	}}
}

// fixed is a way that is always the same: a limit.
func fixed(name string, figure float64) way {
	return way{name, func(context.Context) (float64, error) { return figure, nil }}
}
