// Package memory keeps entries in the memory of one process, for tests and for
// trying the engine out. Nothing outlives the process.
//
// A Store is no [storage.Purger]: there are no files, and when the memory of
// what was deleted is overwritten is up to Go's collector. To say that it is
// gone would be false.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Versioner = (*Store)(nil)
)

// A Store is one handle onto entries in memory. [Store.Open] gives further
// handles onto the same entries. Each handle has a Close and Changes of its
// own, as if it were another process; the entries stay as long as a handle is
// reachable, closed or not. The zero Store is no handle and must not be used:
// [New] makes the first one.
//
// The methods of one handle, and of several, may be called from several
// goroutines. A reader never waits for values to be copied, nor for another
// reader; it waits for a Commit that is being applied.
type Store struct {
	data   *data
	closed bool // guarded by data.mu
}

// data is what the handles share.
type data struct {
	mu      sync.RWMutex
	table   table
	version uint64 // of the last commit; one counter for all keys, never reset
	watches map[*watch]struct{}
}

// New returns a Store without entries.
func New() *Store {
	return &Store{data: &data{table: newTable(), watches: map[*watch]struct{}{}}}
}

// Open returns another Store over the same entries. It may be called at any
// time, also after Close.
func (s *Store) Open() *Store {
	return &Store{data: s.data}
}

// Get implements [storage.Store].
func (s *Store) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	return s.view(ctx, func(t *table) []storage.Entry { return t.get(keys) })
}

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	return s.view(ctx, func(t *table) []storage.Entry { return t.list(prefix, after, limit) })
}

// Commit implements [storage.Store].
func (s *Store) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := s.CommitVersion(ctx, batch)
	return err
}

// CommitVersion implements [storage.Versioner].
func (s *Store) CommitVersion(ctx context.Context, batch storage.Batch) (uint64, error) {
	values := make([][]byte, len(batch.Puts))
	for i, put := range batch.Puts {
		values[i] = bytes.Clone(put.Value)
	}
	d := s.data
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	if !d.table.holds(batch.Checks) {
		return 0, storage.ErrConflict
	}
	return d.apply(batch, values), nil
}

// apply writes a batch whose checks hold, with copies of its values, and returns
// the version of what it puts.
func (d *data) apply(batch storage.Batch, values [][]byte) uint64 {
	d.version++
	for i, put := range batch.Puts {
		d.table.put(storage.Entry{Key: put.Key, Value: values[i], Version: d.version})
	}
	for _, key := range batch.Deletes {
		d.table.delete(key)
	}
	d.signal(batch)
	if len(batch.Puts) == 0 {
		return 0
	}
	return d.version
}

// Close implements [storage.Store]. Other handles are not affected.
func (s *Store) Close() error {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	s.closed = true
	for w := range s.data.watches {
		if w.owner == s {
			s.data.end(w)
		}
	}
	return nil
}

// view reads at one instant and copies the values afterwards, without the
// lock: a stored value is replaced, but its bytes never change.
func (s *Store) view(ctx context.Context, read func(*table) []storage.Entry) ([]storage.Entry, error) {
	found, err := s.read(ctx, read)
	for i := range found {
		found[i].Value = bytes.Clone(found[i].Value)
	}
	return found, err
}

func (s *Store) read(ctx context.Context, read func(*table) []storage.Entry) ([]storage.Entry, error) {
	s.data.mu.RLock()
	defer s.data.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	return read(&s.data.table), nil
}

// usable is asked with the lock held, so that nothing is applied after a Close
// has returned or a context has ended.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return storage.ErrClosed
	}
	return ctx.Err()
}

// Format prints "memory.Store", with every verb: package fmt would go through fields that
// calls change meanwhile.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "memory.Store") }
