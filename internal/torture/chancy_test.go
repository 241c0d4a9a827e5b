package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// A chancy store is one client's way to a store: its calls take their time, and
// one of them fails when that was drawn. It is for one goroutine.
type chancy struct {
	storage.Store
	pace   *pace
	random *rand.Rand
	late   *sync.WaitGroup // commits that were lost and are still to land

	fault storage.Store // Store with a fault, nil for none
	lands int           // calls until a commit is lost that lands later
	lost  bool          // the outcome of a commit of this operation was not known
}

// draw draws the fault that the next operation meets, and returns a context for
// it, which may end before it does. It reports whether the client dies of it.
func (c *chancy) draw(ctx context.Context, rate float64) (context.Context, bool) {
	c.fault, c.lands, c.lost = nil, 0, false
	if c.random.Float64() >= rate {
		return ctx, false
	}
	faults, at := storagetest.Faults(), 1+c.random.IntN(5)
	i := c.random.IntN(len(faults) + 2)
	switch i {
	case len(faults):
		c.lands = at
		return ctx, false
	case len(faults) + 1:
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(c.pace.within(6), cancel)
		return ctx, false
	}
	faulty := storagetest.NewFaulty(c.Store, faults[i])
	c.fault = faulty
	return faulty.Fail(ctx, at), faults[i] == storagetest.CrashBefore || faults[i] == storagetest.CrashAfter
}

// next returns the store for a call, and whether that call is a commit that is
// lost and lands later.
func (c *chancy) next() (s storage.Store, late bool) {
	c.pace.pause()
	c.lands--
	if c.fault != nil {
		return c.fault, false
	}
	return c.Store, c.lands == 0
}

func (c *chancy) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	s, _ := c.next()
	return s.Get(ctx, keys...)
}

func (c *chancy) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	s, _ := c.next()
	return s.List(ctx, prefix, after, limit)
}

func (c *chancy) Commit(ctx context.Context, b storage.Batch) error {
	_, err := c.CommitVersion(ctx, b)
	return err
}

func (c *chancy) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	s, late := c.next()
	if late {
		c.landLater(ctx, b)
		return 0, fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, storagetest.ErrFault)
	}
	version, err := storage.Commit(ctx, s, b)
	c.lost = c.lost || errors.Is(err, storage.ErrUnknownOutcome)
	return version, err
}

// landLater lets a commit arrive after its caller was told that nobody knows.
func (c *chancy) landLater(ctx context.Context, b storage.Batch) {
	c.lost = true
	delay := c.pace.within(40)
	c.late.Go(func() {
		time.Sleep(delay)
		_ = c.Store.Commit(context.WithoutCancel(ctx), b)
	})
}
