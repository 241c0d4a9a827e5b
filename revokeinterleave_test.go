package secrets_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
)

// What is promised of RevokeToken, whatever goes on beside it. The thief has the
// key that the service had before, and a copy of every row that it ever has.

// recorded has everything that is written from now on kept, whoever writes it.
func (f *fixture) recorded(t testing.TB) *fixture {
	t.Helper()
	f.rec = newRecording(f.store)
	f.store = f.rec
	p := f.elsewhere(t, f.store)
	f.org, f.api = p.org, p.api
	return f
}

// mark notes how much had been written when the first revocation of a token
// returned.
func (f *fixture) mark() {
	if f.marked != nil {
		return
	}
	f.rec.mu.Lock()
	defer f.rec.mu.Unlock()
	f.marked = make(map[string]int)
	for key, values := range f.rec.values {
		f.marked[key] = len(values)
	}
}

// mayEnd reports whether an actor may end so.
func (a actor) mayEnd(err error) bool {
	allowed := []error{nil, secrets.ErrNotFound, secrets.ErrExists}
	if a.life > 0 {
		allowed = append(allowed, secrets.ErrUnavailable, secrets.ErrUnknownOutcome)
	}
	return slices.ContainsFunc(allowed, func(e error) bool { return errors.Is(err, e) })
}

// repeatRevocation does again, in another process, what ended with err.
func (f *fixture) repeatRevocation(t *testing.T, token secrets.Token, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil && !errors.Is(err, secrets.ErrNotFound) {
		t.Errorf("repeated: %v", err)
	}
	f.mark()
}

// wantNothingForThief fails the test unless nothing was wrapped for the key of
// before once a revocation had returned, and nothing that is stored now opens
// with it.
func (f *fixture) wantNothingForThief(t *testing.T, th *thief) {
	t.Helper()
	if f.marked == nil {
		return // no token was revoked
	}
	for key, values := range f.rec.values {
		name, ok := strings.CutPrefix(key, th.rowKey(""))
		if !ok {
			continue
		}
		for i, value := range values {
			row := unpack[forgedRow](t, value)
			ours := slices.ContainsFunc(row.Wraps, func(w forgedWrap) bool { return w.ServiceKeyID == th.record.KeyID })
			if i >= f.marked[key] && ours {
				t.Errorf("after the revocation %s was wrapped for the old key", name)
			}
			if got, _ := th.reads(t, f.store, secrets.Name(name), value); got == "after" {
				t.Errorf("the thief reads %q", got)
			}
		}
	}
}

const twice = "revoke another"

// others are what RevokeToken is driven against. Against another of its kind it
// takes long.
func others() map[string]func(*fixture) actor {
	always := func(a actor) func(*fixture) actor { return func(*fixture) actor { return a } }
	all := map[string]func(*fixture) actor{"update": always(updater), "update twice": always(updaterTwice), "grant": always(another), "issue": issuer}
	if long() {
		all[twice] = tokenRevoker(1)
	}
	return all
}

// By default these are the schedules with at most three switches; at full length
// all, several thousand, but beside another revocation, where they would be too
// many. The actors of the scenes above go through other stores.
func TestRevokeTokenIsRightInEveryScheduleOfFewSwitches(t *testing.T) {
	t.Parallel()
	for name, other := range others() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, e := scene{}.fixture(t), exhaustion{switches: 3}
			if long() && name != twice {
				e.switches = 0
			}
			played := 0
			for more := true; more && !t.Failed(); more = e.more() {
				played++
				synctest.Test(t, func(t *testing.T) {
					defer func() { logIfFailed(t, "schedule %v", e.chosen) }()
					c := f.cloneOn(t, newMemory(t)).recorded(t)
					actors := []actor{tokenRevoker(0)(c), other(c)}
					play(t, c, e.schedule(actors), actors)
				})
			}
			t.Attr("interleavings", fmt.Sprint(played))
		})
	}
}

// within gives the outer actor its first turns, then the inner one all of its,
// and then the outer one the rest.
func within(outer string, turns int, inner string) schedule {
	return func(running []string) string {
		if turns > 0 && slices.Contains(running, outer) || !slices.Contains(running, inner) {
			turns--
			return outer
		}
		return inner
	}
}

func TestRevokeTokenIsRightBesideAProcessThatEndsAtAnyCall(t *testing.T) {
	t.Parallel()
	for name, other := range others() {
		for what, mortal := range map[string]int{"the revocation ends": 0, "the other one ends": 1} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				f := scene{}.fixture(t)
				play := func(before, life int) (ended bool) {
					synctest.Test(t, func(t *testing.T) {
						defer logIfFailed(t, "%d calls before, %d calls of life", before, life)
						c := f.cloneOn(t, newMemory(t)).recorded(t)
						actors := []actor{tokenRevoker(0)(c), other(c)}
						inner, outer := &actors[mortal], &actors[1-mortal]
						inner.ready, outer.ready, inner.life = true, true, life
						endings := play(t, c, within(outer.name, before, inner.name), actors)
						ended = endings[inner.name].turns < life || endings[outer.name].turns < before
					})
					return ended
				}
				for before := 0; !t.Failed(); before++ {
					life := 1
					for !play(before, life) && !t.Failed() {
						life++
					}
					if life == 1 {
						break // there are not so many calls before
					}
				}
			})
		}
	}
}
