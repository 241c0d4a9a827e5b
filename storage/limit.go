package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The limits of a call. They are the smallest of what the supported databases
// take by default: etcd allows 128 operations and 1.5 MiB a request.
const (
	MaxKey    = 512     // bytes in a key, printable ASCII without space; 1 at least
	MaxEntry  = 1 << 20 // bytes in a key and its value together
	MaxBatch  = 1 << 20 // bytes in all keys and values that a batch writes
	MaxWrites = 100     // puts and deletes in a batch
	MaxChecks = 100     // checks in a batch; 1 at least
	MaxGet    = 10_000  // keys in a Get
	MaxList   = 1_000   // entries in a page of List; 1 at least
)

// Limit returns a Store that refuses with [ErrLimit] what exceeds the limits
// of this package or is not well formed, and passes everything else to store.
// The engine applies it to each Store it is given, so that no driver repeats
// these checks. A Store that is limited already is returned as it is. What is
// returned keeps no state: like any Store, it may be used by several goroutines.
//
// It also refuses an answer that is not one to the question: entries that were
// not asked for, or out of order. Keys that are not well formed may be in an
// answer of List, since somebody may have put them there; such a key may be
// given back, to go on after it or to delete it.
//
// What is returned is a [Purger] if and only if store is one. It is always a
// [Versioner], which answers 0, for not known, if store is none.
func Limit(store Store) Store {
	switch s := store.(type) {
	case limited, limitedPurger:
		return store
	case Purger:
		return limitedPurger{limited{store}, s}
	default:
		return limited{store}
	}
}

type limited struct{ Store }

type limitedPurger struct {
	limited
	Purger
}

// Format prints the Store under it.
func (l limited) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), l.Store) }

func (l limited) Get(ctx context.Context, keys ...string) ([]Entry, error) {
	if len(keys) > MaxGet {
		return nil, fmt.Errorf("%w: get of %d keys, at most %d", ErrLimit, len(keys), MaxGet)
	}
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return nil, err
		}
	}
	entries, err := l.Store.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	if err := checkFound(entries, keys); err != nil {
		return nil, err
	}
	return entries, nil
}

func (l limited) List(ctx context.Context, prefix, after string, limit int) ([]Entry, error) {
	if limit < 1 || limit > MaxList {
		return nil, fmt.Errorf("%w: page of %d entries, want 1 to %d", ErrLimit, limit, MaxList)
	}
	if err := checkText(prefix); err != nil {
		return nil, err
	}
	entries, err := l.Store.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	if err := checkPage(entries, prefix, after, limit); err != nil {
		return nil, err
	}
	return entries, nil
}

func (l limited) Commit(ctx context.Context, b Batch) error {
	_, err := l.CommitVersion(ctx, b)
	return err
}

func (l limited) CommitVersion(ctx context.Context, b Batch) (uint64, error) {
	if err := checkBatch(b); err != nil {
		return 0, err
	}
	return Commit(ctx, l.Store, b)
}

func (l limited) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	if err := checkText(prefixes...); err != nil {
		return nil, err
	}
	return l.Store.Changes(ctx, prefixes...)
}

func checkBatch(b Batch) error {
	if n := len(b.Checks); n < 1 || n > MaxChecks {
		return fmt.Errorf("%w: %d checks in a batch, want 1 to %d", ErrLimit, n, MaxChecks)
	}
	if n := len(b.Puts) + len(b.Deletes); n > MaxWrites {
		return fmt.Errorf("%w: %d writes in a batch, at most %d", ErrLimit, n, MaxWrites)
	}
	var checked, written []string
	for _, c := range b.Checks {
		if err := checkText(c.Key); err != nil {
			return err
		}
		checked = append(checked, c.Key)
	}
	for _, p := range b.Puts {
		if err := checkText(p.Key); err != nil {
			return err
		}
		written = append(written, p.Key)
	}
	if err := checkDistinct(checked); err != nil {
		return err
	}
	if err := checkDistinct(append(written, b.Deletes...)); err != nil {
		return err
	}
	return checkSize(b)
}

func checkDistinct(keys []string) error {
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if key == "" {
			return fmt.Errorf("%w: empty key", ErrLimit)
		}
		if seen[key] {
			return fmt.Errorf("%w: key %q twice in a batch", ErrLimit, key)
		}
		seen[key] = true
	}
	return nil
}

// checkSize leaves the keys of checks out: they are bounded by their number,
// and an entry of MaxEntry must fit beside the check that a batch needs.
func checkSize(b Batch) error {
	size := 0
	for _, p := range b.Puts {
		n := len(p.Key) + len(p.Value)
		if n > MaxEntry {
			return fmt.Errorf("%w: entry %q of %d bytes, at most %d", ErrLimit, p.Key, n, MaxEntry)
		}
		size += n
	}
	for _, key := range b.Deletes {
		size += len(key)
	}
	if size > MaxBatch {
		return fmt.Errorf("%w: batch of %d bytes, at most %d", ErrLimit, size, MaxBatch)
	}
	return nil
}

func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: empty key", ErrLimit)
	}
	return checkText(key)
}

// checkText holds for keys and for what they are compared with: one alphabet
// that every database stores and orders alike.
func checkText(texts ...string) error {
	for _, text := range texts {
		if len(text) > MaxKey {
			return fmt.Errorf("%w: key or prefix of %d bytes, at most %d", ErrLimit, len(text), MaxKey)
		}
		for i := range len(text) {
			if text[i] <= ' ' || text[i] > '~' {
				return fmt.Errorf("%w: key or prefix with byte 0x%02x at %d, want printable ASCII", ErrLimit, text[i], i)
			}
		}
	}
	return nil
}

// checkFound returns an error unless entries are some of those under keys, in
// that order.
func checkFound(entries []Entry, keys []string) error {
	for _, e := range entries {
		i := slices.Index(keys, e.Key)
		if i < 0 {
			return errAnswer
		}
		keys = keys[i+1:]
	}
	return nil
}

// checkPage returns an error unless entries can be a page of a listing, so that
// going on after the last one comes to an end.
func checkPage(entries []Entry, prefix, after string, limit int) error {
	if len(entries) > limit {
		return errAnswer
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Key, prefix) || e.Key <= after {
			return errAnswer
		}
		after = e.Key
	}
	return nil
}

var errAnswer = errors.New("the store answered with entries that were not asked for, or out of order")
