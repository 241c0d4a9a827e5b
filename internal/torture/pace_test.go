package torture_test

import (
	"math/rand/v2"
	"time"
)

// beat is the pace in a bubble. It is longer than the engine waits by itself
// before it tries again, for a time that no seed repeats.
const beat = 200 * time.Millisecond

// A pace says how long one client waits before each of its calls: up to half a
// millisecond, or, with a beat, until a moment that was drawn within the first
// half of one of the next beats. In a bubble that makes the order of all calls
// the same for the same seed.
type pace struct {
	random *rand.Rand
	beat   time.Duration
	begun  time.Time
}

func (p *pace) pause() {
	if p.beat == 0 {
		time.Sleep(p.within(1))
		return
	}
	now := time.Since(p.begun)
	beats := now/p.beat + 1 + time.Duration(p.random.IntN(4))
	time.Sleep(beats*p.beat + time.Duration(p.random.Int64N(int64(p.beat/2))) - now)
}

// within draws a time that is up to so many calls long.
func (p *pace) within(calls int) time.Duration {
	call := 500 * time.Microsecond
	if p.beat != 0 {
		call = 3 * p.beat
	}
	return time.Duration(p.random.Int64N(int64(calls) * int64(call)))
}
