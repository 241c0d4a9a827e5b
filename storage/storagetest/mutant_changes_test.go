package storagetest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// A board is a Changes of its own, to be broken in one place each. Its zero
// functions and flags are correct.
type board struct {
	size     int                                                   // of each channel
	concerns func(r *reader, writer *posted, b storage.Batch) bool // nil for the contract
	early    bool                                                  // signals before the commit
	blocks   bool                                                  // waits for readers
	single   bool                                                  // signals one reader only
	deaf     bool                                                  // ignores the context
	keeps    bool                                                  // keeps the caller's prefixes
	open     bool                                                  // leaves channels open at Close
	late     time.Duration                                         // begins to look later

	mu      *sync.Mutex
	readers map[*reader]bool
}

type reader struct {
	owner    *posted
	prefixes []string
	signals  chan struct{}
}

// posted is a Store that signals through a board.
type posted struct {
	storage.Store
	board *board
}

func boarded(b board) connector {
	return func(data *memory.Store) func() storage.Store {
		fresh := b
		fresh.mu, fresh.readers = &sync.Mutex{}, map[*reader]bool{}
		return func() storage.Store { return &posted{data.Open(), &fresh} }
	}
}

func (s *posted) Commit(ctx context.Context, b storage.Batch) error {
	_, err := s.CommitVersion(ctx, b)
	return err
}

func (s *posted) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	if s.board.early {
		s.board.post(s, b)
		time.Sleep(time.Millisecond)
		return storage.Commit(ctx, s.Store, b)
	}
	version, err := storage.Commit(ctx, s.Store, b)
	if err == nil {
		s.board.post(s, b)
	}
	return version, err
}

func (s *posted) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	if _, err := s.Get(ctx); err != nil {
		return nil, err
	}
	r := &reader{owner: s, prefixes: prefixes, signals: make(chan struct{}, s.board.size)}
	if !s.board.keeps {
		r.prefixes = slices.Clone(prefixes)
	}
	if s.board.late > 0 {
		time.AfterFunc(s.board.late, func() { s.board.add(r) })
	} else {
		s.board.add(r)
	}
	if !s.board.deaf {
		context.AfterFunc(ctx, func() { s.board.end(func(other *reader) bool { return other == r }) })
	}
	return r.signals, nil
}

func (s *posted) Close() error {
	if !s.board.open {
		s.board.end(func(r *reader) bool { return r.owner == s })
	}
	return s.Store.Close()
}

func (b *board) add(r *reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers[r] = true
}

func (b *board) end(which func(*reader) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for r := range b.readers {
		if which(r) {
			delete(b.readers, r)
			close(r.signals)
		}
	}
}

func (b *board) post(writer *posted, batch storage.Batch) {
	concerns := b.concerns
	if concerns == nil {
		concerns = func(r *reader, _ *posted, batch storage.Batch) bool { return covers(r.prefixes, batch) }
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for r := range b.readers {
		if !concerns(r, writer, batch) {
			continue
		}
		b.send(r)
		if b.single {
			return
		}
	}
}

func (b *board) send(r *reader) {
	if b.blocks {
		select {
		case r.signals <- struct{}{}:
		case <-time.After(100 * time.Millisecond): // long enough to be found out, and no deadlock
		}
		return
	}
	select {
	case r.signals <- struct{}{}:
	default:
	}
}

func covers(prefixes []string, b storage.Batch) bool {
	keys := slices.Clone(b.Deletes)
	for _, put := range b.Puts {
		keys = append(keys, put.Key)
	}
	return slices.ContainsFunc(keys, func(key string) bool { return len(prefixes) == 0 || under(key, prefixes) })
}

func under(key string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

func changesMutants() []mutant {
	return slices.Concat(signalMutants(), endMutants())
}

func signalMutants() []mutant {
	const each, any = "ChangesSignalsEachKindOfCommit", "ChangesSignalsUnderAnyOfItsPrefixes"
	return []mutant{
		{"a delete is not signalled", []string{each}, boarded(board{size: 1, concerns: func(r *reader, _ *posted, b storage.Batch) bool {
			return covers(r.prefixes, storage.Batch{Puts: b.Puts})
		}})},
		{"only the first put is signalled", []string{each}, boarded(board{size: 1, concerns: func(r *reader, _ *posted, b storage.Batch) bool {
			b.Puts = b.Puts[:min(1, len(b.Puts))]
			return covers(r.prefixes, b)
		}})},
		{"a commit of the same Store is not signalled", []string{each}, boarded(board{size: 1, concerns: func(r *reader, writer *posted, b storage.Batch) bool {
			return r.owner != writer && covers(r.prefixes, b)
		}})},
		{"a commit of another Store is not signalled", []string{each, "ChangesSignalsTheFirstCommitAfterIt"},
			boarded(board{size: 1, concerns: func(r *reader, writer *posted, b storage.Batch) bool {
				return r.owner == writer && covers(r.prefixes, b)
			}})},
		{"only the first prefix counts", []string{any}, boarded(board{size: 1, concerns: func(r *reader, _ *posted, b storage.Batch) bool {
			return covers(r.prefixes[:min(1, len(r.prefixes))], b)
		}})},
		{"no prefix is for nothing", []string{any}, boarded(board{size: 1, concerns: func(r *reader, _ *posted, b storage.Batch) bool {
			return len(r.prefixes) > 0 && covers(r.prefixes, b)
		}})},
		{"a prefix does not cover itself", []string{any}, boarded(board{size: 1, concerns: func(r *reader, _ *posted, b storage.Batch) bool {
			return covers(r.prefixes, b) && !slices.ContainsFunc(b.Puts, func(p storage.Put) bool { return slices.Contains(r.prefixes, p.Key) })
		}})},
		{"signals begin after Changes has returned", []string{"ChangesSignalsTheFirstCommitAfterIt"}, boarded(board{size: 1, late: time.Millisecond})},
		{"a signal comes before the commit", []string{"ChangesSignalsOnceACommitIsSeen"}, boarded(board{size: 1, early: true})},
		{"a signal goes to one reader", []string{"ChangesSignalsEveryReader"}, boarded(board{size: 1, single: true})},
		{"Changes keeps the caller's prefixes", []string{"ChangesCopiesItsPrefixes"}, boarded(board{size: 1, keeps: true})},
		{"a signal waits for its reader", []string{"ChangesIsCoalesced"}, boarded(board{size: 1, blocks: true})},
		{"signals are queued", []string{"ChangesIsCoalesced"}, boarded(board{size: 64})},
		{"signals are lost without a reader", []string{"ChangesSignalsEveryReader", "ChangesIsCoalesced"}, boarded(board{size: 0})},
		{"signals are queued behind the channel", []string{"ChangesIsCoalesced"}, hook(queues)},
		{"signals come all the time", []string{"ChangesIsQuietWithoutCommits"}, hook(signalsAlways)},
	}
}

func endMutants() []mutant {
	return []mutant{
		{"Changes does not end with its context", []string{"ChangesEndsWithItsContext", "ChangesEndsBesideCommits"}, boarded(board{size: 1, deaf: true})},
		{"Changes does not end with Close", []string{"CloseEndsChanges"}, boarded(board{size: 1, open: true})},
		{"Changes leaves a goroutine until Close", []string{"ChangesLeavesNoGoroutine"}, hook(goroutineUntilClose)},
		{"Changes leaves a goroutine until its context ends", []string{"CloseLeavesNoGoroutine"}, hook(goroutineUntilContextEnds)},
		{"Changes leaves a goroutine for ever", []string{"ChangesEndsWithItsContext", "CloseEndsChanges"}, hook(goroutineForLong)},
	}
}

// queues forwards each signal of a commit, one after another.
func queues(s storage.Store) hooks {
	var mu sync.Mutex
	waiting := 0
	return hooks{
		commit: func(ctx context.Context, b storage.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			waiting++
			return s.Commit(ctx, b)
		},
		changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
			in, err := s.Changes(ctx, prefixes...)
			out := make(chan struct{}, 1)
			forward(in, out, func() int {
				mu.Lock()
				defer mu.Unlock()
				n := waiting
				waiting = 0
				return n
			})
			return out, err
		},
	}
}

// forward adds what count says at each signal, and sends one after another.
func forward(in <-chan struct{}, out chan<- struct{}, count func() int) {
	go func() {
		defer close(out)
		for waiting := 0; ; {
			var ready chan<- struct{}
			if waiting > 0 {
				ready = out
			}
			select {
			case _, open := <-in:
				if !open {
					return
				}
				waiting += count()
			case ready <- struct{}{}:
				waiting--
			}
		}
	}()
}

func signalsAlways(s storage.Store) hooks {
	return hooks{changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
		in, err := s.Changes(ctx, prefixes...)
		out := make(chan struct{}, 1)
		go func() {
			defer close(out)
			for {
				select {
				case _, open := <-in:
					if !open {
						return
					}
				case <-time.After(time.Millisecond):
				}
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}()
		return out, err
	}}
}

func goroutineUntilClose(s storage.Store) hooks {
	closed := make(chan struct{})
	return hooks{
		changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
			go func() { <-closed }()
			return s.Changes(ctx, prefixes...)
		},
		close: sync.OnceValue(func() error {
			close(closed)
			return s.Close()
		}),
	}
}

func goroutineUntilContextEnds(s storage.Store) hooks {
	return hooks{changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
		go func() { <-ctx.Done() }()
		return s.Changes(ctx, prefixes...)
	}}
}

func goroutineForLong(s storage.Store) hooks {
	return hooks{changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
		go func() { time.Sleep(2 * time.Second) }() // which is much longer than the patience of a case
		return s.Changes(ctx, prefixes...)
	}}
}
