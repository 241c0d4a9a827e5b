package storage

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
)

// Lazy returns a Store that is opened when it is first called, by open, and at
// each later call until that has succeeded. It is for an app that has to start
// while the database is away, over a driver that does not open then:
//
//	store := storage.Lazy(func(ctx context.Context) (storage.Store, error) {
//		return postgres.Open(ctx, dsn, nil)
//	})
//
// A call that does not succeed in it returns the error of open. One call opens
// at a time, others wait for it; the context of open ends with that call, and
// when the Store is closed. Close closes what was opened. Lazy itself calls
// nothing. What it returns is no [Purger]. It is a [Versioner], which answers 0,
// for not known, if what was opened is none.
func Lazy(open func(ctx context.Context) (Store, error)) Store {
	l := &lazy{open: open, turn: make(chan struct{}, 1)}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

type lazy struct {
	open   func(context.Context) (Store, error)
	opened atomic.Pointer[Store] // set once, by who has the turn
	turn   chan struct{}         // holds one while somebody opens or closes

	life context.Context // ends with Close
	end  context.CancelFunc
}

// store returns the Store, which it opens if need be.
func (l *lazy) store(ctx context.Context) (Store, error) {
	if s := l.opened.Load(); s != nil {
		return *s, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-l.life.Done():
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s := l.opened.Load(); s != nil { // meanwhile
		return *s, nil
	}
	return l.begin(ctx)
}

func (l *lazy) begin(ctx context.Context) (Store, error) {
	if l.life.Err() != nil {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opening, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	s, err := l.open(opening)
	switch {
	case err == nil:
		l.opened.Store(&s)
		return s, nil
	case l.life.Err() != nil:
		return nil, ErrClosed
	default:
		return nil, err
	}
}

func (l *lazy) Get(ctx context.Context, keys ...string) ([]Entry, error) {
	s, err := l.store(ctx)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, keys...)
}

func (l *lazy) List(ctx context.Context, prefix, after string, limit int) ([]Entry, error) {
	s, err := l.store(ctx)
	if err != nil {
		return nil, err
	}
	return s.List(ctx, prefix, after, limit)
}

func (l *lazy) Commit(ctx context.Context, batch Batch) error {
	_, err := l.CommitVersion(ctx, batch)
	return err
}

func (l *lazy) CommitVersion(ctx context.Context, batch Batch) (uint64, error) {
	s, err := l.store(ctx)
	if err != nil {
		return 0, err
	}
	return Commit(ctx, s, batch)
}

func (l *lazy) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	s, err := l.store(ctx)
	if err != nil {
		return nil, err
	}
	return s.Changes(ctx, prefixes...)
}

// Close waits for who opens.
func (l *lazy) Close() error {
	l.end()
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	s := l.opened.Load()
	if s == nil {
		return nil
	}
	return (*s).Close()
}

// Format is a driver's: fmt would read what another call is setting.
func (l *lazy) Format(f fmt.State, _ rune) { io.WriteString(f, "storage.Lazy") }
