package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A pool lends connections. Those who wait for one are served in the order in
// which they came, since that is how receivers wait at a channel.
type pool struct {
	idle   chan *conn    // opened and not lent
	slots  chan struct{} // one for each connection that may still be opened
	closed <-chan struct{}
	open   func(ctx context.Context, until time.Time) (*conn, error)
}

var errTooBusy = fmt.Errorf("%w: too many calls wait for their turn", storage.ErrUnavailable)

func newPool(size int, closed <-chan struct{}, open func(context.Context, time.Time) (*conn, error)) *pool {
	p := &pool{
		idle:   make(chan *conn, size),
		slots:  make(chan struct{}, size),
		closed: closed,
		open:   open,
	}
	for range size {
		p.slots <- struct{}{}
	}
	return p
}

// take lends a connection until put, and opens one only if none is idle.
func (p *pool) take(ctx context.Context, until time.Time) (*conn, error) {
	if err := p.usable(ctx); err != nil {
		return nil, err
	}
	select {
	case c := <-p.idle:
		return c, nil
	default:
	}
	timeout := time.NewTimer(time.Until(until))
	defer timeout.Stop()
	select {
	case c := <-p.idle:
		return c, nil
	case <-p.slots:
		return p.fill(ctx, until)
	case <-timeout.C:
		return nil, errTooBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, storage.ErrClosed
	}
}

func (p *pool) usable(ctx context.Context) error {
	select {
	case <-p.closed:
		return storage.ErrClosed
	default:
		return ctx.Err()
	}
}

func (p *pool) fill(ctx context.Context, until time.Time) (*conn, error) {
	c, err := p.open(ctx, until)
	if err != nil {
		p.slots <- struct{}{}
	}
	return c, err
}

func (p *pool) put(c *conn) {
	if c.broken {
		c.close()
		p.slots <- struct{}{}
		return
	}
	p.idle <- c
}

// drain waits for all connections, after closed was closed, and closes them.
func (p *pool) drain(last func(*conn)) {
	for range cap(p.slots) {
		select {
		case <-p.slots:
		case c := <-p.idle:
			last(c)
			c.close()
		}
	}
}
