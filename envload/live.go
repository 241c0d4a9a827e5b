package envload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// A Live is a T that follows what is granted; see [Watch]. It is safe for
// concurrent use.
type Live[T any] struct {
	value  atomic.Pointer[T]
	status atomic.Pointer[Status]
	done   chan struct{}
	last   *secrets.Environment // that the value was made of; nobody but the goroutine looks at it

	mu       sync.Mutex
	onChange []func(before, now *T)
	onStatus []func(Status)
}

// Status is how a [Live] stands, and after Done how it stood at the end.
type Status struct {
	// Err is why the value is not the latest, nil if it is. It never carries a
	// value.
	Err error

	// Stale: the store cannot be read or gives what does not open, or what is
	// granted now does not fit the T (Err is then an [*Error]). The value is the
	// last good one, and the next good one ends this by itself, until Done.
	Stale bool

	// Lost: the token was revoked or has expired, or the service was deleted. The
	// value was dropped, and no other follows.
	Lost bool

	// Since is the time of the change to this status.
	Since time.Time
}

// Watch fills a T as [Parse] does, and again whenever what src grants has
// changed, until ctx ends. src must be a [secrets.Watcher], such as a
// [*secrets.Session]. The first T must be good, or Watch fails with its error.
//
// Each T is of one environment, and is put in place at once or not at all: one
// that does not parse, or whose method
//
//	Validate() error // of *T
//
// gives an error, leaves the last good one and is reported. A variable that is
// revoked is absent in the next T; one that is required makes it a bad one. If
// the store cannot be read the value stays, and is marked stale, which can take a
// minute. When the token is revoked or expires the value is dropped.
//
// One goroutine works for a Live, and it ends with ctx: see [Live.Done].
func Watch[T any](ctx context.Context, src secrets.Source, opts *Options) (*Live[T], error) {
	watcher, ok := src.(secrets.Watcher)
	if !ok || isNil(src) {
		return nil, newError([]Problem{{Err: fmt.Errorf("%w: the source is no secrets.Watcher", ErrOptions)}})
	}
	next, stop := iter.Pull2(watcher.Watch(ctx))
	env, err, ok := next()
	if !ok {
		err = ctx.Err()
	}
	if env == nil && err == nil {
		err = newError([]Problem{{Err: errNothing}})
	}
	l := &Live[T]{done: make(chan struct{})}
	if err == nil {
		err = l.fill(ctx, env, opts)
	}
	if err != nil {
		stop()
		return nil, err
	}
	status := statusOf(env)
	status.Since = time.Now()
	l.status.Store(&status)
	go func() {
		defer close(l.done)
		defer stop()
		for env, err, ok := next(); ok; env, err, ok = next() {
			l.follow(ctx, env, err, opts)
		}
	}()
	return l, nil
}

// follow takes what the watcher yields.
func (l *Live[T]) follow(ctx context.Context, env *secrets.Environment, err error, opts *Options) {
	if err == nil && env != nil {
		err = l.fill(ctx, env, opts)
	}
	switch {
	case err == nil && env == nil:
	case err == nil:
		l.report(statusOf(env))
	case errors.Is(err, secrets.ErrUnauthenticated):
		l.report(Status{Err: err, Lost: true})
		l.swap(nil)
	default:
		l.report(Status{Err: err, Stale: true})
	}
}

// statusOf is stale for an environment of a cache.
func statusOf(env *secrets.Environment) Status {
	if _, stale := env.StaleSince(); stale {
		return Status{Err: secrets.ErrUnavailable, Stale: true}
	}
	return Status{}
}

// fill makes a T of env, and puts it in place if it is good.
func (l *Live[T]) fill(ctx context.Context, env *secrets.Environment, opts *Options) error {
	if env.Equal(l.last) { // yielded again after a failure
		return nil
	}
	now, err := Parse[T](context.WithoutCancel(ctx), env, opts)
	if err != nil {
		return err
	}
	if v, ok := any(&now).(interface{ Validate() error }); ok {
		if err := validate(v.Validate); err != nil {
			return err
		}
	}
	l.last = env
	l.swap(&now)
	return nil
}

// validate hides what the error says: it is likely to quote a value.
func validate(check func() error) error {
	if check() == nil {
		return nil
	}
	return newError([]Problem{{Err: ErrInvalid}})
}

func (l *Live[T]) swap(now *T) {
	before := l.value.Swap(now)
	for _, fn := range l.hooks() {
		fn(before, now)
	}
}

func (l *Live[T]) report(s Status) {
	before := l.status.Load()
	if s.Err == nil && before.Err == nil {
		return
	}
	s.Since = time.Now()
	l.status.Store(&s)
	l.mu.Lock()
	hooks := slices.Clone(l.onStatus)
	l.mu.Unlock()
	for _, fn := range hooks {
		fn(s)
	}
}

func (l *Live[T]) hooks() []func(before, now *T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.onChange)
}

// Get returns the value: by one atomic load, without a lock or an allocation.
// Nobody may change what it points to. It is nil once access was lost, see
// [Status], and never before.
func (l *Live[T]) Get() *T { return l.value.Load() }

// Status returns how the value stands.
func (l *Live[T]) Status() Status { return *l.status.Load() }

// OnChange has fn called after each change, with the value before and the value
// now, which is nil if access was lost. Calls come one after another, from the
// goroutine that watches: a slow fn delays the next value. One that begins before
// OnChange returns may leave fn out.
func (l *Live[T]) OnChange(fn func(before, now *T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onChange = append(l.onChange, fn)
}

// OnStatus has fn called after each change of the status, as OnChange does.
func (l *Live[T]) OnStatus(fn func(Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onStatus = append(l.onStatus, fn)
}

// Done is closed when nothing follows any more: ctx has ended, access was lost,
// or the store was closed.
func (l *Live[T]) Done() <-chan struct{} { return l.done }

// Format prints "envload.Live", with every verb, and so neither the value nor what
// the watching goroutine changes meanwhile.
func (l *Live[T]) Format(f fmt.State, _ rune) { io.WriteString(f, "envload.Live") }
