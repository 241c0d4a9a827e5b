package secrets_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A stepped store stops its actor before each call until it is let on.
type stepped struct {
	storage.Store
	turn chan struct{}
	free int // calls that need no turn, at first
	life int // calls after those until it is gone; negative: never
	next *atomic.Pointer[touch]
}

func (s *stepped) wait(ctx context.Context, call touch) error {
	s.next.Store(&call)
	defer s.next.Store(nil)
	switch {
	case s.free > 0:
		s.free--
		return nil
	case s.life == 0:
		return storage.ErrUnavailable
	}
	select {
	case <-s.turn:
		s.life--
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stepped) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := s.wait(ctx, touch{reads: keys}); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, keys...)
}

func (s *stepped) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := s.wait(ctx, touch{lists: prefix}); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, prefix, after, limit)
}

func (s *stepped) Commit(ctx context.Context, b storage.Batch) error {
	_, err := s.CommitVersion(ctx, b)
	return err
}

func (s *stepped) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	if err := s.wait(ctx, touchOf(b)); err != nil {
		return 0, err
	}
	return storage.Commit(ctx, s.Store, b)
}

// A touch is what a call of a store reads and writes.
type touch struct {
	reads  []string // keys, those of checks too
	lists  string   // a prefix
	writes []string
}

func touchOf(b storage.Batch) (t touch) {
	for _, c := range b.Checks {
		t.reads = append(t.reads, c.Key)
	}
	for _, p := range b.Puts {
		t.writes = append(t.writes, p.Key)
	}
	t.writes = append(t.writes, b.Deletes...)
	return t
}

// commutes reports whether two calls are known to have the same effect, and the
// same answers, in either order. Two that write do not: what is between them is a
// state that somebody may see.
func (t *touch) commutes(u *touch) bool {
	return t != nil && u != nil && (len(t.writes) == 0 || len(u.writes) == 0) && !t.sees(u) && !u.sees(t)
}

// sees reports whether t reads something that u writes.
func (t *touch) sees(u *touch) bool {
	return slices.ContainsFunc(u.writes, func(key string) bool {
		return slices.Contains(t.reads, key) || t.lists != "" && strings.HasPrefix(key, t.lists)
	})
}
