package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A watch is one channel of Changes. It needs no goroutine: a commit signals
// it, and the end of its context or of its owner closes it.
type watch struct {
	owner    *Store
	prefixes []string
	signals  chan struct{}
	stop     func() bool // stops waiting for the context
}

// Changes implements [storage.Store]. Only commits under the prefixes are
// signalled.
func (s *Store) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	d := s.data
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	w := &watch{owner: s, prefixes: slices.Clone(prefixes), signals: make(chan struct{}, 1)}
	w.stop = context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.end(w)
	})
	d.watches[w] = struct{}{}
	return w.signals, nil
}

// end closes the channel of w once, with the lock held: the context and the
// owner may end at the same time.
func (d *data) end(w *watch) {
	if _, ok := d.watches[w]; !ok {
		return
	}
	delete(d.watches, w)
	w.stop()
	close(w.signals)
}

// signal is called with the lock held, so that a Get after a signal waits for
// the commit and sees it.
func (d *data) signal(batch storage.Batch) {
	for w := range d.watches {
		if !w.concerns(batch) {
			continue
		}
		select {
		case w.signals <- struct{}{}:
		default: // one is waiting there already
		}
	}
}

func (w *watch) concerns(batch storage.Batch) bool {
	return slices.ContainsFunc(batch.Puts, func(p storage.Put) bool { return w.covers(p.Key) }) ||
		slices.ContainsFunc(batch.Deletes, w.covers)
}

func (w *watch) covers(key string) bool {
	return len(w.prefixes) == 0 || slices.ContainsFunc(w.prefixes, func(prefix string) bool {
		return strings.HasPrefix(key, prefix)
	})
}
