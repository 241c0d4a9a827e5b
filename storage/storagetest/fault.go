package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Fault is what happens at one call of a [Faulty] store. Where a read is hit
// by a fault that is about commits, it fails with [storage.ErrUnavailable].
type Fault string

// The faults.
const (
	Refused        Fault = "refused"         // the call fails and has no effect; the next one works
	Conflicted     Fault = "conflicted"      // a commit fails with storage.ErrConflict
	LostBefore     Fault = "lost before"     // a commit is not applied; the outcome is unknown
	LostAfter      Fault = "lost after"      // a commit is applied; the outcome is unknown
	CrashBefore    Fault = "crash before"    // the call has no effect, and no later one works
	CrashAfter     Fault = "crash after"     // the call has its effect, and no later one works
	CanceledBefore Fault = "canceled before" // the context ends; a commit is not applied, but the outcome is unknown
	CanceledAfter  Fault = "canceled after"  // the context ends; a commit is applied, but the outcome is unknown
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{Refused, Conflicted, LostBefore, LostAfter, CrashBefore, CrashAfter, CanceledBefore, CanceledAfter}
}

// ErrFault is in every error that a [Faulty] store makes.
var ErrFault = errors.New("injected fault")

// Faulty is a [storage.Store] one call of which fails: Get, List or Commit. What
// is built on a store is tested with every fault at every call:
//
//	for n := 1; ; n++ {
//		store := storagetest.NewFaulty(newStore(), fault)
//		ctx := store.Fail(ctx, n)
//		err := operation(ctx, store)
//		// What must hold holds now, and doing it again, through another Store
//		// of the same data, succeeds.
//		if !store.Failed() {
//			break // it makes fewer calls
//		}
//	}
//
// It is a [storage.Versioner], which answers 0 if the store under it is none;
// Commit and CommitVersion are one kind of call. It is safe for concurrent use.
type Faulty struct {
	storage.Store
	fault Fault

	mu     sync.Mutex
	left   int // calls until the one that fails; negative for none
	failed bool
	cancel context.CancelFunc
}

// NewFaulty returns a store over another one. No call of it fails yet.
func NewFaulty(store storage.Store, fault Fault) *Faulty {
	return &Faulty{Store: store, fault: fault, left: -1}
}

// Fail lets the n-th call from now on fail, the first being 1. It returns a
// context that ends then, if the fault says so, for the operation that makes the
// call.
func (f *Faulty) Fail(ctx context.Context, n int) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.failed, f.cancel = n, false, cancel
	return ctx
}

// Failed reports whether the call has been made. If the fault is a crash, the
// store does not work any more.
func (f *Faulty) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// hit counts a call. It reports whether it is the one that fails, and the error
// of one that finds the store gone.
func (f *Faulty) hit() (now bool, gone error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed {
		if f.fault == CrashBefore || f.fault == CrashAfter {
			return false, errGone
		}
		return false, nil
	}
	f.left--
	if f.failed = f.left == 0; f.failed && f.isCanceled() {
		f.cancel()
	}
	return f.failed, nil
}

func (f *Faulty) isCanceled() bool { return f.fault == CanceledBefore || f.fault == CanceledAfter }

var errGone = fmt.Errorf("%w: %w", storage.ErrUnavailable, ErrFault)

// read makes a read fail, if it is the call that does.
func (f *Faulty) read() error {
	now, gone := f.hit()
	switch {
	case now && f.isCanceled():
		return fmt.Errorf("%w: %w", context.Canceled, ErrFault)
	case now:
		return errGone
	}
	return gone
}

// Get is the store's, unless it is the call that fails.
func (f *Faulty) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.Store.Get(ctx, keys...)
}

// List is the store's, unless it is the call that fails.
func (f *Faulty) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.Store.List(ctx, prefix, after, limit)
}

// Commit is the store's, unless it is the call that fails.
func (f *Faulty) Commit(ctx context.Context, b storage.Batch) error {
	_, err := f.CommitVersion(ctx, b)
	return err
}

// CommitVersion is [storage.Commit] of the store, unless it is the call that
// fails.
func (f *Faulty) CommitVersion(ctx context.Context, b storage.Batch) (version uint64, err error) {
	now, gone := f.hit()
	switch {
	case gone != nil:
		return 0, gone
	case now:
		return 0, f.failCommit(ctx, b)
	default:
		return storage.Commit(ctx, f.Store, b)
	}
}

// failCommit is the commit that fails. It is applied if the fault says so.
func (f *Faulty) failCommit(ctx context.Context, b storage.Batch) error {
	switch f.fault {
	case Refused:
		return ErrFault
	case Conflicted:
		return fmt.Errorf("%w: %w", storage.ErrConflict, ErrFault)
	case LostAfter, CrashAfter, CanceledAfter:
		if err := f.Store.Commit(context.WithoutCancel(ctx), b); err != nil {
			return err
		}
	}
	if f.isCanceled() {
		return fmt.Errorf("%w: %w: %w", storage.ErrUnknownOutcome, context.Canceled, ErrFault)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, ErrFault)
}

// Format prints "storagetest.Faulty", with every verb: package fmt would go through fields that
// calls change meanwhile.
func (f *Faulty) Format(to fmt.State, _ rune) { io.WriteString(to, "storagetest.Faulty") }
