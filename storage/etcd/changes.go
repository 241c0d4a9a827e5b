package etcd

import (
	"context"
	"errors"
	"io"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// The waits before a lost watch is opened again.
const (
	minReopenWait = 50 * time.Millisecond
	maxReopenWait = 2 * time.Second
)

// A watcher is one channel of Changes, and its watches: one for each prefix,
// all on one stream.
//
// It does not use the Watcher of the client, which hides that a connection was
// lost, and goes on at a revision that may be compacted by then. A watcher
// always begins at the present; what came before is covered by a signal.
type watcher struct {
	store   *Store
	keys    []string // the prefixes, as etcd has them
	signals chan struct{}
}

// A stream is the connection of a watcher.
type stream struct {
	etcdserverpb.Watch_WatchClient
	end context.CancelFunc
}

// Changes implements [storage.Store]. Only commits that change something under
// the prefixes are signalled. etcd sends the entries along with the news, so
// narrow prefixes are cheaper.
func (s *Store) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	w := s.newWatcher(prefixes)
	life, cancel := context.WithCancel(s.life)
	stop := context.AfterFunc(ctx, cancel)
	end := func() {
		stop()
		cancel()
		s.calls.Done()
	}
	first, err := w.open(life)
	if err != nil {
		defer end()
		if s.life.Err() != nil {
			return nil, storage.ErrClosed
		}
		return nil, s.fail(ctx, err)
	}
	go func() {
		defer end()
		defer close(w.signals)
		w.run(life, first)
	}()
	return w.signals, nil
}

func (s *Store) newWatcher(prefixes []string) *watcher {
	w := &watcher{store: s, signals: make(chan struct{}, 1)}
	for _, prefix := range prefixes {
		w.keys = append(w.keys, s.prefix+prefix)
	}
	if len(prefixes) == 0 {
		w.keys = []string{s.prefix}
	}
	return w
}

// run signals until ctx ends. While there was no watch anything may have been
// committed, so each new one is followed by a signal.
func (w *watcher) run(ctx context.Context, current *stream) {
	for {
		w.follow(current)
		if current = w.reopen(ctx); current == nil {
			return
		}
		w.signal()
	}
}

// follow signals until the stream ends, or one of its watches: since the
// server lost its leader or fell behind, among others.
func (w *watcher) follow(current *stream) {
	defer current.end()
	for {
		answer, err := current.Recv()
		if err != nil || answer.GetCanceled() {
			return
		}
		w.receive(answer)
	}
}

func (w *watcher) receive(answer *etcdserverpb.WatchResponse) {
	if len(answer.GetEvents()) > 0 {
		w.signal()
	}
}

func (w *watcher) signal() {
	select {
	case w.signals <- struct{}{}:
	default: // one is waiting there already
	}
}

// reopen returns nil when ctx has ended.
func (w *watcher) reopen(ctx context.Context) *stream {
	for wait := minReopenWait; pause(ctx, wait); wait = min(2*wait, maxReopenWait) {
		if current, err := w.open(ctx); err == nil {
			return current
		}
	}
	return nil
}

// open returns a stream whose watches all exist: each later commit is reported
// on it. It takes [Options.Timeout] at most.
func (w *watcher) open(ctx context.Context) (*stream, error) {
	life, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	timer := time.AfterFunc(w.store.timeout, cancel)
	client, err := w.establish(life)
	if !timer.Stop() {
		err = status.Error(codes.DeadlineExceeded, status.Convert(err).Message())
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &stream{client, cancel}, nil
}

func (w *watcher) establish(ctx context.Context) (etcdserverpb.Watch_WatchClient, error) {
	client, err := w.store.watches.Watch(ctx, readOptions()...)
	if err != nil {
		return nil, err
	}
	for _, key := range w.keys {
		if err := w.create(client, key); err != nil {
			return nil, err
		}
	}
	return client, nil
}

// create begins to watch the keys that begin with key. The watches of a stream
// are created one after the other, since neither side reads while it waits to
// write.
func (w *watcher) create(client etcdserverpb.Watch_WatchClient, key string) error {
	order := &etcdserverpb.WatchCreateRequest{Key: []byte(key), RangeEnd: []byte(clientv3.GetPrefixRangeEnd(key))}
	err := client.Send(&etcdserverpb.WatchRequest{
		RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: order},
	})
	if err != nil && !errors.Is(err, io.EOF) { // after EOF, Recv has the reason
		return err
	}
	for {
		answer, err := client.Recv()
		switch {
		case err != nil:
			return err
		case answer.GetCanceled():
			return reasonOf(answer)
		case answer.GetCreated():
			return nil
		}
		w.receive(answer) // of a watch that was created before
	}
}

// reasonOf returns why the server has refused or ended a watch.
func reasonOf(answer *etcdserverpb.WatchResponse) error {
	for _, known := range []error{
		rpctypes.ErrGRPCPermissionDenied, rpctypes.ErrGRPCInvalidAuthToken,
		rpctypes.ErrGRPCUserEmpty, rpctypes.ErrGRPCAuthOldRevision,
	} {
		if answer.GetCancelReason() == known.Error() {
			return known
		}
	}
	return status.Error(codes.Unavailable, "watch canceled")
}
