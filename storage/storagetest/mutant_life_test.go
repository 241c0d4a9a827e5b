package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

func sharingMutants() []mutant {
	return []mutant{
		{"a Store remembers what it read", []string{"SharedDataShowsACommitAtOnce"}, hook(remembers)},
		{"a Store lists what it listed before", []string{"SharedDataShowsACommitAtOnce"}, hook(remembersPages)},
		{"a commit shows a little later", []string{"SharedDataShowsACommitAtOnce"}, hook(commitsLater)},
		{"data ends with its last Store", []string{"SharedDataOutlivesClose", "VersionStaysAcrossReopening"}, endsWithLast},
		{"a delete is not durable", []string{"SharedDataOutlivesClose"}, hook(deletesUntilClose)},
		{"data ends with the first Close", []string{"SharedDataOutlivesTheOtherStore"}, each(func(s storage.Store) storage.Store {
			return hooks{Store: s, close: func() error { wipe(s); return s.Close() }}
		})},
	}
}

func remembers(s storage.Store) hooks {
	known := map[string][]storage.Entry{}
	return hooks{
		get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			id := fmt.Sprint(keys)
			if found, ok := known[id]; ok {
				return found, nil
			}
			found, err := s.Get(ctx, keys...)
			known[id] = found
			return found, err
		},
		commit: func(ctx context.Context, b storage.Batch) error {
			clear(known) // so that it sees at least what it wrote itself
			return s.Commit(ctx, b)
		},
	}
}

func remembersPages(s storage.Store) hooks {
	known := map[string][]storage.Entry{}
	return hooks{
		list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
			id := fmt.Sprint(prefix, after, limit)
			if found, ok := known[id]; ok {
				return found, nil
			}
			found, err := s.List(ctx, prefix, after, limit)
			known[id] = found
			return found, err
		},
		commit: func(ctx context.Context, b storage.Batch) error {
			clear(known)
			return s.Commit(ctx, b)
		},
	}
}

func commitsLater(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		time.AfterFunc(5*time.Millisecond, func() { _ = s.Commit(context.WithoutCancel(ctx), b) })
		return nil
	}}
}

// wipe ignores what it cannot do: the Store may be closed already.
func wipe(s storage.Store) {
	found, _ := s.List(context.Background(), "", "", storage.MaxList)
	for _, e := range found {
		_ = s.Commit(context.Background(), storage.Batch{Deletes: []string{e.Key}})
	}
}

func endsWithLast(data *memory.Store) func() storage.Store {
	var open atomic.Int64
	return func() storage.Store {
		s := data.Open()
		open.Add(1)
		closed := sync.OnceFunc(func() {
			if open.Add(-1) == 0 {
				wipe(s)
			}
		})
		return hooks{Store: s, close: func() error { closed(); return s.Close() }}
	}
}

// deletesUntilClose brings back what was deleted.
func deletesUntilClose(s storage.Store) hooks {
	var deleted []storage.Entry
	return hooks{
		commit: func(ctx context.Context, b storage.Batch) error {
			found, _ := s.Get(ctx, b.Deletes...)
			err := s.Commit(ctx, b)
			if err == nil {
				deleted = append(deleted, found...)
			}
			return err
		},
		close: func() error {
			for _, e := range deleted {
				_ = s.Commit(context.Background(), storage.Batch{
					Checks: []storage.Check{{Key: e.Key}}, Puts: []storage.Put{{Key: e.Key, Value: e.Value}},
				})
			}
			return s.Close()
		},
	}
}

func contextMutants() []mutant {
	return []mutant{
		{"contexts are ignored", []string{"ContextEndedBeforeACallIsItsError"}, hook(ignoresContexts)},
		{"an ended context is unavailability", []string{"ContextEndedBeforeACallIsItsError"}, hook(contextError(func(context.Context) error { return storage.ErrUnavailable }))},
		{"an ended context is an unknown outcome", []string{"ContextEndedBeforeACallIsItsError"},
			hook(contextError(func(ctx context.Context) error { return errors.Join(storage.ErrUnknownOutcome, ctx.Err()) }))},
		{"an expired context is a cancelled one", []string{"ContextEndedBeforeACallIsItsError"}, hook(contextError(func(context.Context) error { return context.Canceled }))},
		{"a commit is applied though its context had ended", []string{"ContextEndedBeforeACallIsItsError"}, hook(appliesAnyway)},
		{"a commit that was applied is reported as cancelled", []string{"ContextEndedDuringACommitTellsTheOutcome"}, hook(reportsCancelled)},
		{"a commit that was cancelled is applied later", []string{"ContextEndedDuringACommitTellsTheOutcome"}, hook(landsLater)},
		{"a commit that was cancelled is reported as applied", []string{"ContextEndedDuringACommitTellsTheOutcome"}, hook(reportsApplied)},
		{"a commit does not end with its context", []string{"ContextEndedDuringACommitTellsTheOutcome"}, hook(lastsLong)},
		{"a read that was cancelled gives a part", []string{"ContextEndedDuringAReadGivesNoPart"}, hook(givesAPart)},
		{"a read that was cancelled is unavailability", []string{"ContextEndedDuringAReadGivesNoPart"},
			hook(contextError(func(context.Context) error { return storage.ErrUnavailable }))},
	}
}

func ignoresContexts(s storage.Store) hooks {
	free := context.WithoutCancel
	return hooks{
		get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) { return s.Get(free(ctx), keys...) },
		list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
			return s.List(free(ctx), prefix, after, limit)
		},
		commit: func(ctx context.Context, b storage.Batch) error { return s.Commit(free(ctx), b) },
		changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
			return s.Changes(free(ctx), prefixes...)
		},
	}
}

// contextError exchanges the error of a context that ended.
func contextError(exchange func(context.Context) error) func(storage.Store) hooks {
	return func(s storage.Store) hooks {
		wait := func(ctx context.Context) error {
			time.Sleep(100 * time.Microsecond)
			if ctx.Err() != nil {
				return exchange(ctx)
			}
			return nil
		}
		return hooks{
			get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
				if err := wait(ctx); err != nil {
					return nil, err
				}
				return s.Get(ctx, keys...)
			},
			commit: func(ctx context.Context, b storage.Batch) error {
				if err := wait(ctx); err != nil {
					return err
				}
				return s.Commit(ctx, b)
			},
		}
	}
}

func appliesAnyway(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		err := s.Commit(context.WithoutCancel(ctx), b)
		return errors.Join(ctx.Err(), err)
	}}
}

func reportsCancelled(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		if err := s.Commit(ctx, b); err != nil {
			return err
		}
		time.Sleep(200 * time.Microsecond)
		return ctx.Err()
	}}
}

func landsLater(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		time.Sleep(200 * time.Microsecond)
		if ctx.Err() != nil {
			time.AfterFunc(time.Millisecond, func() { _ = s.Commit(context.WithoutCancel(ctx), b) })
		}
		return s.Commit(ctx, b)
	}}
}

func reportsApplied(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		time.Sleep(200 * time.Microsecond)
		err := s.Commit(ctx, b)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}}
}

func lastsLong(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		time.Sleep(200 * time.Microsecond)
		if ctx.Err() != nil {
			time.Sleep(500 * time.Millisecond)
		}
		return s.Commit(ctx, b)
	}}
}

func givesAPart(s storage.Store) hooks {
	return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
		time.Sleep(200 * time.Microsecond)
		found, err := s.Get(context.WithoutCancel(ctx), keys...)
		if ctx.Err() != nil {
			found = found[:len(found)/2]
		}
		return found, err
	}}
}

func closeMutants() []mutant {
	return []mutant{
		{"Close does nothing", []string{"CloseIsAnsweredWithErrClosed", "CloseEndsChanges", "CloseEndsCallsUnderWay"},
			hook(func(storage.Store) hooks { return hooks{close: func() error { return nil }} })},
		{"a call after Close is unavailability", []string{"CloseIsAnsweredWithErrClosed", "CloseEndsCallsUnderWay"}, hook(unavailableOnceClosed)},
		{"a second Close is ErrClosed", []string{"CloseMayBeRepeated"}, hook(closesOnce)},
		{"Close closes the other Stores too", []string{"CloseEndsChanges", "SharedDataOutlivesTheOtherStore"}, closesAll},
		{"a commit under way at Close is applied and reported as closed", []string{"CloseEndsCallsUnderWay"}, appliesWhileClosing},
	}
}

func unavailableOnceClosed(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		err := s.Commit(ctx, b)
		if errors.Is(err, storage.ErrClosed) {
			return storage.ErrUnavailable
		}
		return err
	}}
}

func closesOnce(s storage.Store) hooks {
	var closed atomic.Bool
	return hooks{close: func() error {
		if closed.Swap(true) {
			return storage.ErrClosed
		}
		return s.Close()
	}}
}

func closesAll(data *memory.Store) func() storage.Store {
	var all []storage.Store
	return func() storage.Store {
		s := data.Open()
		all = append(all, s)
		return hooks{Store: s, close: func() error {
			for _, s := range all {
				_ = s.Close()
			}
			return nil
		}}
	}
}

// appliesWhileClosing commits through a Store that stays open.
func appliesWhileClosing(data *memory.Store) func() storage.Store {
	return hook(func(s storage.Store) hooks {
		return hooks{commit: func(ctx context.Context, b storage.Batch) error {
			if err := data.Commit(ctx, b); err != nil {
				return err
			}
			_, err := s.Get(ctx)
			return err
		}}
	})(data)
}
