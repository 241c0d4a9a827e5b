package storagetest_test

import (
	"context"
	"slices"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// refused answers batches of some kind with an error.
func refused(refuse func(storage.Batch) bool) connector {
	return written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
		if refuse(*b) {
			return storage.ErrUnavailable
		}
		return nil
	})
}

func limitMutants() []mutant {
	return []mutant{
		{"an entry is smaller than 1 MiB", []string{"LimitAcceptsTheLargestEntry"},
			refused(func(b storage.Batch) bool {
				return slices.ContainsFunc(b.Puts, func(p storage.Put) bool { return len(p.Key)+len(p.Value) >= 1<<20 })
			})},
		{"a batch is smaller than 1 MiB", []string{"LimitAcceptsTheLargestBatch", "LimitAcceptsTheLargestEntry"},
			refused(func(b storage.Batch) bool { return size(b) >= 1<<20 })},
		{"a batch has at most 128 operations", []string{"LimitAcceptsTheLargestBatch"},
			refused(func(b storage.Batch) bool { return len(b.Checks)+len(b.Puts)+len(b.Deletes) > 128 })},
		{"a batch has at most 99 puts", []string{"LimitAcceptsTheLargestBatch"},
			refused(func(b storage.Batch) bool { return len(b.Puts) > 99 })},
		{"a batch has at most 99 checks", []string{"LimitAcceptsTheLargestBatch"},
			refused(func(b storage.Batch) bool { return len(b.Checks) > 99 })},
		{"a key has at most 511 bytes", []string{"LimitAcceptsTheLongestKey"}, shortened(storage.MaxKey - 1)},
		{"a key has at most 255 bytes", []string{"LimitAcceptsTheLongestKey", "LimitAcceptsTheLargestGet"}, shortened(255)},
		{"a Get has at most 999 keys", []string{"LimitAcceptsTheLargestGet"}, hook(getsAtMost(999))},
		{"a Get has at most 9,999 keys", []string{"LimitAcceptsTheLargestGet"}, hook(getsAtMost(storage.MaxGet - 1))},
		{"a page has at most 999 entries", []string{"LimitAcceptsTheLargestPage"}, query{most: storage.MaxList - 1}.connect()},
		{"an answer has at most 4 MiB", []string{"LimitAcceptsAnAnswerOfManyLargeEntries"}, hook(answersAtMost(4 << 20))},
	}
}

func size(b storage.Batch) int {
	n := 0
	for _, put := range b.Puts {
		n += len(put.Key) + len(put.Value)
	}
	return n
}

// shortened cuts what is too long, as some databases do.
func shortened(most int) connector {
	cut := func(key string) string { return key[:min(len(key), most)] }
	return written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
		b.Puts, b.Deletes = slices.Clone(b.Puts), slices.Clone(b.Deletes)
		for i, put := range b.Puts {
			b.Puts[i].Key = cut(put.Key)
		}
		for i, key := range b.Deletes {
			b.Deletes[i] = cut(key)
		}
		return nil
	})
}

func getsAtMost(most int) func(storage.Store) hooks {
	return func(s storage.Store) hooks {
		return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			return s.Get(ctx, keys[:min(len(keys), most)]...)
		}}
	}
}

func answersAtMost(bytes int) func(storage.Store) hooks {
	fits := func(found []storage.Entry, err error) ([]storage.Entry, error) {
		n := 0
		for _, e := range found {
			n += len(e.Value)
		}
		if n > bytes {
			return nil, storage.ErrUnavailable
		}
		return found, err
	}
	return func(s storage.Store) hooks {
		return hooks{
			get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) { return fits(s.Get(ctx, keys...)) },
			list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
				return fits(s.List(ctx, prefix, after, limit))
			},
		}
	}
}
