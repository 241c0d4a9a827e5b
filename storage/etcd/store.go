package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Versioner = (*Store)(nil)
)

// Options are the optional parameters of [New]. The zero value is what most
// programs want.
type Options struct {
	// Timeout is how long a call waits for a connection, and for an answer,
	// before it gives up: with [storage.ErrUnavailable], or with
	// [storage.ErrUnknownOutcome] if a Commit was sent. 0 stands for 10
	// seconds. etcd itself gives up a commit after about 7 seconds.
	Timeout time.Duration
}

const defaultTimeout = 10 * time.Second

// A Store is the entries under one prefix of an etcd cluster. Its methods may
// be called from several goroutines. Only [New] makes one: the zero Store must
// not be used.
type Store struct {
	client  *clientv3.Client
	kv      etcdserverpb.KVClient
	watches etcdserverpb.WatchClient
	prefix  string
	timeout time.Duration

	life context.Context // ends with Close, and all Changes with it
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // calls and Changes under way; added to under mu
}

// New returns a Store over the entries under prefix. It sends nothing, so it
// succeeds with no server there. opts may be nil.
//
// The prefix is printable ASCII without space that ends in "/", at most
// [storage.MaxKey] bytes; another one is [storage.ErrLimit]. Stores of the same
// prefix share the same data. One prefix must not be the beginning of
// another's.
//
// The client stays the caller's, who closes it after the Store. Of the client
// only the connection is used, with its credentials: what KV or Watcher of it
// were replaced by, such as a namespace, has no effect here.
func New(client *clientv3.Client, prefix string, opts *Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("etcd: no client")
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	s := &Store{
		client:  client,
		kv:      etcdserverpb.NewKVClient(client.ActiveConnection()),
		watches: etcdserverpb.NewWatchClient(client.ActiveConnection()),
		prefix:  prefix,
		timeout: defaultTimeout,
	}
	if opts != nil && opts.Timeout < 0 {
		return nil, errors.New("etcd: a negative duration in the options")
	}
	if opts != nil && opts.Timeout > 0 {
		s.timeout = opts.Timeout
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// checkPrefix wants the slash so that no prefix reaches into the next one, as
// "app" would into "apple/".
func checkPrefix(prefix string) error {
	if len(prefix) > storage.MaxKey {
		return fmt.Errorf("%w: prefix of %d bytes, at most %d", storage.ErrLimit, len(prefix), storage.MaxKey)
	}
	for i := range len(prefix) {
		if prefix[i] <= ' ' || prefix[i] > '~' {
			return fmt.Errorf("%w: prefix with byte 0x%02x at %d, want printable ASCII", storage.ErrLimit, prefix[i], i)
		}
	}
	if !strings.HasSuffix(prefix, "/") {
		return fmt.Errorf("%w: prefix does not end in \"/\"", storage.ErrLimit)
	}
	return nil
}

// begin counts a call in, so that Close waits until its calls.Done.
func (s *Store) begin(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.client.Ctx().Err() != nil {
		return s.named(fmt.Errorf("%w: the client was closed", storage.ErrUnavailable))
	}
	s.calls.Add(1)
	return nil
}

// Close implements [storage.Store]. It ends Changes, and waits for the calls
// that are under way, at most for [Options.Timeout], so that the client can be
// closed after it.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.calls.Wait()
	return nil
}

// pause waits between a half and all of d, and reports false if ctx has ended
// before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Format prints "etcd.Store", with every verb: package fmt would go through fields that
// calls change meanwhile.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "etcd.Store") }
