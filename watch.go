package secrets

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// How often a watcher looks by itself, whatever the store signals; and how long
// it waits after a failure, at first and at most.
const (
	watchInterval = time.Minute
	minBackoff    = 100 * time.Millisecond
	maxBackoff    = 30 * time.Second
	lookTimeout   = 30 * time.Second
)

// Watch yields the session's environment, and yields it again whenever it has
// changed: a secret was updated, granted, revoked or deleted. What it yields is
// always whole and of one instant; values that come and go between two looks are
// not all seen.
//
// It waits for signals of the store, and looks by itself once a minute, which is
// also when a store that was lost is noticed; while nothing changes that look is
// one call of the store, but for a service of 1,000 grants or more. Changes of
// other organizations wake nobody.
//
// A failure is yielded once, with a nil environment, and the next environment
// after it says that it is over: with [ErrUnavailable] the last one may still be
// used. It tries again after 100 ms, later up to 30 s, and when the store signals.
// [ErrUnauthenticated] ends the sequence, since the token will not be valid again,
// and so does a store that was closed. A token that expires ends it at that time,
// whatever the store does. When ctx ends the sequence just ends.
//
// No goroutine of the session outlives the loop. A session may be watched several
// times at once.
func (s *Session) Watch(ctx context.Context) iter.Seq2[*Environment, error] {
	return func(yield func(*Environment, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w := &watcher{session: s}
		for w.next(ctx, yield) {
			w.wait(ctx)
		}
	}
}

// A watcher is one loop of Watch.
type watcher struct {
	session *Session
	changes <-chan struct{} // nil until the store has given one
	pending <-chan subscription
	last    *Environment // yielded last; nil at first and after a failure
	failed  bool
	backoff time.Duration
	seen    map[string]uint64 // versions of what the environment was made of
	rows    bool              // whether the next look by itself is at the rows
}

// next reads the environment and yields it if it is news. It returns false when
// the loop is to end.
func (w *watcher) next(ctx context.Context, yield func(*Environment, error) bool) bool {
	env, err := w.read(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, storage.ErrClosed):
		yield(nil, w.session.fail("watch", err))
		return false
	case err != nil:
		return w.fail(err, yield)
	}
	w.failed = false
	w.retry(env.stale.IsZero() && w.changes != nil)
	if env.Equal(w.last) && env.stale.IsZero() == w.last.stale.IsZero() {
		return true
	}
	w.last = env
	return yield(env, nil)
}

// fail yields the first of several failures.
func (w *watcher) fail(err error, yield func(*Environment, error) bool) bool {
	w.retry(false)
	if w.failed {
		return true
	}
	w.failed, w.last, w.seen = true, nil, nil
	return yield(nil, w.session.fail("watch", err))
}

// retry sets how long to wait before the store is tried again, which is longer
// each time until all is well.
func (w *watcher) retry(well bool) {
	if well {
		w.backoff = 0
		return
	}
	w.backoff = min(max(2*w.backoff, minBackoff), maxBackoff)
}

// read subscribes before it reads, so that no change falls in between. With a
// cache it reads also if it cannot subscribe, and tries again later.
func (w *watcher) read(ctx context.Context) (*Environment, error) {
	if w.changes == nil {
		err := w.subscribe(ctx)
		if err != nil && w.session.expired() == nil && (w.session.cache == nil || !errors.Is(err, ErrUnavailable)) {
			return nil, err
		}
	}
	ctx, cancel := w.session.untilExpiry(ctx)
	defer cancel()
	seen := make(map[string]uint64)
	env, err := w.session.environment(ctx, seen)
	if err == nil {
		w.seen = seen
	}
	return env, err
}

// A subscription is what a store has said to it.
type subscription struct {
	changes <-chan struct{}
	err     error
}

// subscribe waits for the store, but not for ever; what it says later is taken up
// by the next call. The goroutine ends with ctx at the latest.
func (w *watcher) subscribe(ctx context.Context) error {
	if w.pending == nil {
		pending := make(chan subscription, 1)
		go func() {
			changes, err := w.session.store.Changes(ctx, w.session.watched()...)
			pending <- subscription{changes, err}
		}()
		w.pending = pending
	}
	timer := time.NewTimer(w.timeout())
	defer timer.Stop()
	waiting, cancel := w.session.untilExpiry(ctx)
	defer cancel()
	select {
	case s := <-w.pending:
		w.pending, w.changes = nil, s.changes
		return s.err
	case <-timer.C:
		return fmt.Errorf("%w: it does not say when something changes", ErrUnavailable)
	case <-waiting.Done():
		return waiting.Err()
	}
}

func (w *watcher) timeout() time.Duration {
	if c := w.session.cache; c != nil {
		return c.Timeout
	}
	return lookTimeout
}

// watched returns prefixes of all that an environment is made of. The secrets
// are those of the organization, so that a new grant needs no new subscription.
func (s *Session) watched() []string {
	return []string{s.tokenKey(), rowPrefix(s.Organization(), s.Service()), secretPrefix(s.Organization())}
}

// wait returns when it is time to read again.
func (w *watcher) wait(ctx context.Context) {
	ctx, cancel := w.session.untilExpiry(ctx)
	defer cancel()
	if w.backoff > 0 {
		w.rest(ctx)
		return
	}
	for !w.signalled(ctx, watchInterval) {
		if !w.unchanged(ctx) || w.session.cache.ages() {
			return
		}
	}
}

// rest waits after a failure, between a half and all of the backoff. A signal ends
// it: the store sends one when it is back, and what did not open may have been
// mended. However many of them come, the store is not read without a pause.
func (w *watcher) rest(ctx context.Context) {
	end := time.Now().Add(w.backoff/2 + rand.N(w.backoff/2))
	if pause(ctx, minBackoff) != nil {
		return // noticed by who reads
	}
	if left := time.Until(end); left > 0 {
		w.signalled(ctx, left)
	}
}

// signalled waits for a signal, or the end of ctx, for as long as it may.
func (w *watcher) signalled(ctx context.Context, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-ctx.Done():
	case _, ok := <-w.changes:
		if !ok {
			w.changes = nil // subscribing again says why
		}
	}
	return true
}

// unchanged reports, by one call of the store, that nothing was changed. Nobody
// can see the rows, and the token and the secrets, in one call; so it looks at
// them in turns.
func (w *watcher) unchanged(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, w.timeout())
	defer cancel()
	w.rows = !w.rows
	s := w.session
	prefix := rowPrefix(s.Organization(), s.Service())
	var now []storage.Entry
	var err error
	known := make(map[string]uint64, len(w.seen))
	for key, version := range w.seen {
		if strings.HasPrefix(key, prefix) == w.rows {
			known[key] = version
		}
	}
	if w.rows {
		now, err = s.store.List(ctx, prefix, "", storage.MaxList)
	} else {
		now, err = s.store.Get(ctx, slices.Sorted(maps.Keys(known))...)
	}
	if err != nil || len(now) == storage.MaxList {
		return false
	}
	for _, e := range now {
		if known[e.Key] != e.Version {
			return false
		}
		delete(known, e.Key)
	}
	for _, version := range known {
		if version != 0 { // it was there
			return false
		}
	}
	return true
}
