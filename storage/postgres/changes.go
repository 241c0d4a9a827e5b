package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// watchers are the channels of Changes, and the goroutine that listens as long
// as there are any.
type watchers struct {
	store     *Store
	direct    *pgx.ConnConfig // how to get to the server, if not as the pool does
	heartbeat time.Duration
	turn      chan struct{} // held by who starts to listen
	group     sync.WaitGroup

	mu    sync.Mutex
	all   map[*watcher]struct{}
	stop  context.CancelFunc // ends the goroutine; nil while there is none
	ended bool
}

type watcher struct {
	topics  []string
	signals chan struct{}
	forget  func() bool
}

func (ws *watchers) init(s *Store, heartbeat time.Duration) {
	ws.store = s
	ws.heartbeat = heartbeat
	ws.turn = make(chan struct{}, 1)
	ws.all = map[*watcher]struct{}{}
}

// Changes implements [storage.Store]. All channels of a Store share one
// connection beside the pool; when it is lost, it is made anew, and every
// channel is signalled. A signal is for all keys with the same beginning up to
// the last slash of a prefix. Through a pooler it is [ErrPooler].
func (s *Store) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	live, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	w := newWatcher(prefixes)
	if err := s.watchers.start(live, ctx, w); err != nil {
		return nil, s.fail(ctx, err, false)
	}
	return w.signals, nil
}

func newWatcher(prefixes []string) *watcher {
	w := &watcher{signals: make(chan struct{}, 1)}
	for _, prefix := range prefixes {
		w.topics = append(w.topics, topic(folder(prefix)))
	}
	if len(prefixes) == 0 {
		w.topics = []string{topic("")}
	}
	return w
}

// start adds a watcher when the server is being listened to. live ends with
// the call, ctx with the watcher.
func (ws *watchers) start(live, ctx context.Context, w *watcher) error {
	select {
	case ws.turn <- struct{}{}:
		defer func() { <-ws.turn }()
	case <-live.Done():
		return live.Err()
	}
	if added, err := ws.join(ctx, w); added || err != nil {
		return err
	}
	l, err := ws.listen(live)
	if err != nil {
		return err
	}
	if !ws.begin(ctx, w, l) {
		l.close()
		return storage.ErrClosed
	}
	return nil
}

// join adds a watcher if the goroutine is there. It may be without a
// connection just now: everybody is signalled when it has one again.
func (ws *watchers) join(ctx context.Context, w *watcher) (added bool, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.ended {
		return false, storage.ErrClosed
	}
	if ws.stop == nil {
		return false, nil
	}
	ws.add(ctx, w)
	return true, nil
}

func (ws *watchers) begin(ctx context.Context, w *watcher, l *listener) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.ended {
		return false
	}
	life, stop := context.WithCancel(context.Background())
	ws.stop = stop
	ws.group.Go(func() { ws.run(life, l) })
	ws.add(ctx, w)
	return true
}

// add is called with the mutex held.
func (ws *watchers) add(ctx context.Context, w *watcher) {
	ws.all[w] = struct{}{}
	w.forget = context.AfterFunc(ctx, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.remove(w)
	})
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
		ws.stop()
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

// signal has those look again whom a commit with the payload concerns.
func (ws *watchers) signal(payload string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		if !concerns(payload, w.topics) {
			continue
		}
		select {
		case w.signals <- struct{}{}:
		default: // one is waiting there already
		}
	}
}
