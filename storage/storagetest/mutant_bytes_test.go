package storagetest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

func bytesMutants() []mutant {
	return []mutant{
		{"a put keeps the caller's slice", []string{"BytesOfACommitAreCopied"}, keepsSlices},
		{"a batch is applied after Commit has returned", []string{"BytesOfACommitAreCopied"}, hook(appliesLater)},
		{"Get shares its answer with the next", []string{"BytesOfGetAreCopied"}, hook(func(s storage.Store) hooks {
			return hooks{get: sharing(s).get}
		})},
		{"List shares its answer with the next", []string{"BytesOfListAreCopied"}, hook(func(s storage.Store) hooks {
			return hooks{list: sharing(s).list}
		})},
		{"a key asked twice shares its bytes", []string{"BytesOfGetAreCopied"}, answered(sharesTwins)},
		{"an answer of Get lies in one buffer", []string{"BytesOfGetAreCopied"}, answered(func(_ []string, found []storage.Entry) []storage.Entry { return oneBuffer(found) })},
		{"an answer of List lies in one buffer", []string{"BytesOfListAreCopied"}, hook(listsOneBuffer)},
		{"Get sorts the caller's keys", []string{"ArgumentsAreLeftAsTheyAre"}, hook(sortsKeys)},
		{"Changes sorts the caller's prefixes", []string{"ArgumentsAreLeftAsTheyAre"}, hook(sortsPrefixes)},
		{"Commit sorts the caller's checks", []string{"ArgumentsAreLeftAsTheyAre"}, written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
			slices.SortFunc(b.Checks, func(a, b storage.Check) int { return strings.Compare(a.Key, b.Key) })
			return nil
		})},
		{"Commit sorts the caller's puts", []string{"ArgumentsAreLeftAsTheyAre"}, written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
			slices.SortFunc(b.Puts, func(a, b storage.Put) int { return strings.Compare(a.Key, b.Key) })
			return nil
		})},
		{"Commit sorts the caller's deletes", []string{"ArgumentsAreLeftAsTheyAre"}, written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
			slices.Sort(b.Deletes)
			return nil
		})},
	}
}

// keepsSlices answers with the slices that were handed to Commit.
func keepsSlices(data *memory.Store) func() storage.Store {
	kept := map[string][]byte{}
	exchange := func(found []storage.Entry, err error) ([]storage.Entry, error) {
		for i := range found {
			found[i].Value = slices.Clone(kept[found[i].Key])
		}
		return found, err
	}
	return hook(func(s storage.Store) hooks {
		return hooks{
			get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
				return exchange(s.Get(ctx, keys...))
			},
			list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
				return exchange(s.List(ctx, prefix, after, limit))
			},
			commit: func(ctx context.Context, b storage.Batch) error {
				for _, put := range b.Puts {
					kept[put.Key] = put.Value
				}
				return s.Commit(ctx, b)
			},
		}
	})(data)
}

// appliesLater holds each batch back until the next call.
func appliesLater(s storage.Store) hooks {
	var waiting []storage.Batch
	apply := func(ctx context.Context) {
		for _, b := range waiting {
			_ = s.Commit(ctx, b)
		}
		waiting = nil
	}
	return hooks{
		get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			apply(ctx)
			return s.Get(ctx, keys...)
		},
		list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
			apply(ctx)
			return s.List(ctx, prefix, after, limit)
		},
		commit: func(ctx context.Context, b storage.Batch) error {
			apply(ctx)
			waiting = append(waiting, b)
			return nil
		},
	}
}

// shared remembers answers and gives them again.
type shared struct {
	storage.Store
	mu   sync.Mutex
	seen map[string][]byte
}

func sharing(s storage.Store) *shared { return &shared{Store: s, seen: map[string][]byte{}} }

func (s *shared) get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	return s.share(s.Get(ctx, keys...))
}

func (s *shared) list(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	return s.share(s.List(ctx, prefix, after, limit))
}

func (s *shared) share(found []storage.Entry, err error) ([]storage.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range found {
		id := fmt.Sprint(e.Key, e.Version)
		if _, ok := s.seen[id]; !ok {
			s.seen[id] = e.Value
		}
		found[i].Value = s.seen[id]
	}
	return found, err
}

func sharesTwins(_ []string, found []storage.Entry) []storage.Entry {
	first := map[string][]byte{}
	for i, e := range found {
		if value, ok := first[e.Key]; ok {
			found[i].Value = value
		} else {
			first[e.Key] = e.Value
		}
	}
	return found
}

func oneBuffer(found []storage.Entry) []storage.Entry {
	var buffer []byte
	for _, e := range found {
		buffer = append(buffer, e.Value...)
	}
	for i, e := range found {
		found[i].Value, buffer = buffer[:len(e.Value)], buffer[len(e.Value):]
	}
	return found
}

func listsOneBuffer(s storage.Store) hooks {
	return hooks{list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
		found, err := s.List(ctx, prefix, after, limit)
		return oneBuffer(found), err
	}}
}

func sortsKeys(s storage.Store) hooks {
	return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
		slices.Sort(keys)
		return s.Get(ctx, keys...)
	}}
}

func sortsPrefixes(s storage.Store) hooks {
	return hooks{changes: func(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
		slices.Sort(prefixes)
		return s.Changes(ctx, prefixes...)
	}}
}
