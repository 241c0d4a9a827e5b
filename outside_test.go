package secrets_test

import (
	"context"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// An outside is a store whose calls run on goroutines that belong to no bubble
// of package synctest, for stores that have a network connection: whoever
// reads from one inside a bubble keeps its time from ever going on. In a bubble
// it looks like a store that takes no time.
//
// Goroutines and channels belong to the bubble in which they were made, so
// those that are needed here are made before the first one, by runOutside.
type outside struct {
	store storage.Store
	run   func(func())
}

// runOutside returns a function that runs another one and waits for it. The
// first call must be outside of any bubble.
var runOutside = sync.OnceValue(func() func(func()) {
	type job struct {
		fn   func()
		done chan struct{}
	}
	const most = 64 // at the same time
	jobs, idle := make(chan *job), make(chan *job, most)
	for range most {
		idle <- &job{done: make(chan struct{})}
		go func() {
			for j := range jobs {
				j.fn()
				j.done <- struct{}{}
			}
		}()
	}
	stopOutside = func() { close(jobs) }
	return func(fn func()) {
		j := <-idle
		j.fn = fn
		jobs <- j
		<-j.done
		j.fn = nil
		idle <- j
	}
})

// stopOutside ends the goroutines outside, if there are any.
var stopOutside = func() {}

// newOutside opens a store outside.
func newOutside(open func() storage.Store) *outside {
	o := &outside{run: runOutside()}
	o.run(func() { o.store = open() })
	return o
}

// call runs fn outside, with a context that ends with ctx, unless that has ended
// before. Nobody outside may look at ctx itself: it can be of a bubble.
func (o *outside) call(ctx context.Context, fn func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var within context.Context
	var cancel context.CancelFunc
	o.run(func() {
		within, cancel = context.WithCancel(context.Background())
		within.Done() // makes its channel
	})
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	var err error
	o.run(func() { err = fn(within) })
	return sameEnd(ctx, err)
}

// sameEnd gives the end of a context the error of the caller's own.
func sameEnd(ctx context.Context, err error) error {
	if err == context.Canceled && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (o *outside) Get(ctx context.Context, keys ...string) (found []storage.Entry, err error) {
	err = o.call(ctx, func(ctx context.Context) (err error) { found, err = o.store.Get(ctx, keys...); return err })
	return found, err
}

func (o *outside) List(ctx context.Context, prefix, after string, limit int) (found []storage.Entry, err error) {
	err = o.call(ctx, func(ctx context.Context) (err error) {
		found, err = o.store.List(ctx, prefix, after, limit)
		return err
	})
	return found, err
}

func (o *outside) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := o.CommitVersion(ctx, batch)
	return err
}

func (o *outside) CommitVersion(ctx context.Context, batch storage.Batch) (version uint64, err error) {
	err = o.call(ctx, func(ctx context.Context) (err error) {
		version, err = storage.Commit(ctx, o.store, batch)
		return err
	})
	return version, err
}

func (o *outside) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	return o.store.Changes(ctx, prefixes...) // not for use in a bubble
}

func (o *outside) Close() (err error) {
	o.run(func() { err = o.store.Close() })
	return err
}
