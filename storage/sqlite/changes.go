package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// The table commits is both the counter of versions and the memory of which
// keys the latest commits have written, so that whoever watches a prefix, in
// any process, is woken by nothing else.
const (
	sqlNewest = "SELECT max(version) FROM commits"
	sqlRecord = "INSERT INTO commits (version, keys) VALUES (?, ?)"
	sqlForget = "DELETE FROM commits WHERE version <= ?"
	sqlSince  = "SELECT version, keys FROM commits WHERE version > ? ORDER BY version"

	// kept is how many commits are remembered. Who missed more is signalled
	// without condition.
	kept = 64
)

// nextVersion takes the version of a commit, in its transaction.
func (c *conn) nextVersion(batch storage.Batch) (int64, error) {
	newest, err := c.number(sqlNewest)
	if err != nil {
		return 0, err
	}
	switch {
	case newest < 1:
		return 0, fmt.Errorf("%w: no commits", ErrCorrupt) // counting anew would give versions out again
	case newest == math.MaxInt64: // no writer has come so far: somebody has put it there
		return 0, fmt.Errorf("%w: commit %d is the last that there can be", ErrCorrupt, newest)
	}
	keys := slices.Clone(batch.Deletes)
	for _, put := range batch.Puts {
		keys = append(keys, put.Key)
	}
	if err := c.exec(sqlRecord, newest+1, strings.Join(keys, "\n")); err != nil {
		return 0, err
	}
	return newest + 1, c.exec(sqlForget, newest+1-kept)
}

// watchers are the channels of Changes, and the goroutine that looks for new
// commits as long as there are any.
type watchers struct {
	store *Store
	now   chan struct{} // asks for a look before the next tick
	lost  atomic.Bool   // some commits may never be seen: the file was replaced, or a look has failed
	group sync.WaitGroup

	mu    sync.Mutex
	all   map[*watcher]struct{}
	stop  chan struct{} // ends the goroutine; nil while there is none
	ended bool
}

type watcher struct {
	prefixes []string
	signals  chan struct{}
	since    int64 // the version that was there when Changes was called; guarded by mu
	forget   func() bool
}

func (ws *watchers) init(s *Store) {
	ws.store = s
	ws.now = make(chan struct{}, 1)
	ws.all = map[*watcher]struct{}{}
}

// Changes implements [storage.Store]. Commits of other processes are reported
// within [Options.PollInterval], those of this Store at once, and only those
// under the prefixes.
func (s *Store) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	newest, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	w := &watcher{prefixes: slices.Clone(prefixes), signals: make(chan struct{}, 1), since: newest}
	if !s.watchers.add(ctx, w) {
		return nil, storage.ErrClosed
	}
	return w.signals, nil
}

func (ws *watchers) add(ctx context.Context, w *watcher) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.ended {
		return false
	}
	ws.all[w] = struct{}{}
	w.forget = context.AfterFunc(ctx, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.remove(w)
	})
	if ws.stop == nil {
		ws.stop = make(chan struct{})
		p := &poller{ws: ws, last: w.since, stop: ws.stop}
		ws.group.Go(p.run)
	}
	return true
}

// remove closes the channel of w, once: the context and the Store may end at
// the same time. The mutex is held.
func (ws *watchers) remove(w *watcher) {
	if _, ok := ws.all[w]; !ok {
		return
	}
	delete(ws.all, w)
	w.forget()
	close(w.signals)
	if len(ws.all) == 0 {
		close(ws.stop)
		ws.stop = nil
	}
}

// end closes all channels, and waits for the goroutine.
func (ws *watchers) end() {
	ws.mu.Lock()
	ws.ended = true
	for w := range ws.all {
		ws.remove(w)
	}
	ws.mu.Unlock()
	ws.group.Wait()
}

// look has the poller look at once. Without one, the next one may look once
// for nothing.
func (ws *watchers) look() {
	select {
	case ws.now <- struct{}{}:
	default:
	}
}

// A poller reads the commits since the last look.
type poller struct {
	ws   *watchers
	last int64 // the newest version that was reported
	stop chan struct{}
}

func (p *poller) run() {
	ticker := time.NewTicker(p.ws.store.opts.PollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		case <-p.ws.now:
		}
		p.look()
	}
}

func (p *poller) look() {
	if p.ws.lost.Swap(false) {
		p.startAgain()
		return
	}
	commits, err := p.ws.store.commitsSince(p.last)
	if err != nil {
		p.ws.lost.Store(true)
		return
	}
	p.ws.mu.Lock()
	defer p.ws.mu.Unlock()
	for w := range p.ws.all {
		if w.concerns(commits, p.last) {
			w.signal()
		}
	}
	if n := len(commits); n > 0 {
		p.last = commits[n-1].version
	}
}

// startAgain signals without condition. The versions of another file may be
// lower.
func (p *poller) startAgain() {
	newest, err := p.ws.store.newest(context.Background())
	if err != nil {
		p.ws.lost.Store(true)
		return
	}
	p.ws.mu.Lock()
	defer p.ws.mu.Unlock()
	for w := range p.ws.all {
		w.since = newest
		w.signal()
	}
	p.last = newest
}

func (s *Store) newest(ctx context.Context) (version int64, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		version, err = c.number(sqlNewest)
		return err
	})
	return version, err
}

// A commit is a row of the table.
type commit struct {
	version int64
	keys    []string
}

func (s *Store) commitsSince(version int64) (commits []commit, err error) {
	err = s.read(context.Background(), func(c *conn) error {
		commits = nil
		return c.query(sqlSince, func(row *sqlite3.Stmt) error {
			commits = append(commits, commit{row.ColumnInt64(0), strings.Split(row.ColumnText(1), "\n")})
			return nil
		}, version)
	})
	return commits, err
}

// concerns says whether one of the commits after last is to be signalled. A
// gap between last and the first of them are commits that were forgotten.
func (w *watcher) concerns(commits []commit, last int64) bool {
	if len(commits) > 0 && commits[0].version > last+1 && commits[0].version > w.since+1 {
		return true
	}
	return slices.ContainsFunc(commits, func(c commit) bool {
		return c.version > w.since && slices.ContainsFunc(c.keys, w.covers)
	})
}

func (w *watcher) covers(key string) bool {
	return len(w.prefixes) == 0 || slices.ContainsFunc(w.prefixes, func(prefix string) bool {
		return strings.HasPrefix(key, prefix)
	})
}

func (w *watcher) signal() {
	select {
	case w.signals <- struct{}{}:
	default: // one is waiting there already
	}
}
