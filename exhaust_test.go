package secrets_test

import (
	"slices"
	"sync/atomic"
)

// An exhaustion goes through all schedules of some actors, one each time. Of
// those that differ in the order of calls that commute, it takes one. Or it goes
// through all with at most so many switches from an actor that could have gone on,
// which is where most faults are found.
type exhaustion struct {
	switches      int // 0: any number
	chosen, among []int
}

// schedule returns the schedule to run; it changes the actors for that.
func (e *exhaustion) schedule(actors []actor) schedule {
	order := make([]string, len(actors))
	for i := range actors {
		order[i] = actors[i].name
		actors[i].ready, actors[i].next = true, new(atomic.Pointer[touch])
	}
	turn, switched, last := 0, 0, -1
	var lastCall *touch
	return func(running []string) string {
		goesOn := last >= 0 && slices.Contains(running, order[last])
		var may []int
		for i, a := range actors {
			// A call that could as well have come before the last one has been
			// there, in another schedule.
			twice := e.switches == 0 && i < last && a.next.Load().commutes(lastCall)
			tooMany := e.switches > 0 && switched == e.switches && goesOn && i != last
			if slices.Contains(running, order[i]) && !twice && !tooMany {
				may = append(may, i)
			}
		}
		if len(may) == 0 {
			may = append(may, slices.Index(order, running[0]))
		}
		chosen := may[e.choose(turn, len(may))]
		if goesOn && chosen != last {
			switched++
		}
		turn, last, lastCall = turn+1, chosen, actors[chosen].next.Load()
		return order[last]
	}
}

// choose returns which of so many to take this time.
func (e *exhaustion) choose(turn, among int) int {
	if turn == len(e.chosen) {
		e.chosen, e.among = append(e.chosen, 0), append(e.among, 0)
	}
	e.among[turn] = among
	return e.chosen[turn]
}

// more goes on to the next schedule, if there is one.
func (e *exhaustion) more() bool {
	for n := len(e.chosen) - 1; n >= 0; n-- {
		if e.chosen[n]+1 < e.among[n] {
			e.chosen, e.among = e.chosen[:n+1], e.among[:n+1]
			e.chosen[n]++
			return true
		}
	}
	return false
}
