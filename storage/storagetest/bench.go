package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// Benchmark measures what the engine does most: the start of an app, a page of
// a listing, an update with and without grantees. open is as for [Run]; names
// are new for each benchmark. Entries are of 500 bytes, as an encrypted secret
// of usual length is. With -short the store of many entries is smaller.
func Benchmark(b *testing.B, open func(b *testing.B, name string) storage.Store) {
	for _, m := range []struct {
		name string
		run  func(*testing.B, storage.Store)
	}{
		{"Get50", benchmarkGet},
		{"List50", benchmarkList},
		{"ListPageOfMany", benchmarkListPage},
		{"Commit1", func(b *testing.B, s storage.Store) { benchmarkCommit(b, s, 1) }},
		{"Commit11", func(b *testing.B, s storage.Store) { benchmarkCommit(b, s, 11) }},
		{"Commit1BesideReaders", benchmarkCommitBesideReaders},
	} {
		b.Run(m.name, func(b *testing.B) {
			s := open(b, newName("bench_"+m.name))
			b.Cleanup(func() {
				if err := s.Close(); err != nil {
					b.Errorf("Close: %v", err)
				}
			})
			m.run(b, s)
		})
	}
}

var benchmarkValue = []byte(filled(500))

func benchmarkKey(i int) string { return fmt.Sprintf("bench/%06d", i) }

// fill writes the first n keys.
func fill(b *testing.B, s storage.Store, n int) []string {
	b.Helper()
	var keys []string
	for len(keys) < n {
		batch := storage.Batch{Checks: absent}
		for range min(storage.MaxWrites, n-len(keys)) {
			keys = append(keys, benchmarkKey(len(keys)))
			batch.Puts = append(batch.Puts, storage.Put{Key: keys[len(keys)-1], Value: benchmarkValue})
		}
		if err := s.Commit(b.Context(), batch); err != nil {
			b.Fatalf("Commit: %v", err)
		}
	}
	return keys
}

func benchmarkGet(b *testing.B, s storage.Store) {
	keys := fill(b, s, 1000)
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for b.Loop() {
		found, err := s.Get(b.Context(), keys[:50]...)
		if err != nil || len(found) != 50 {
			b.Fatalf("Get: %d entries, %v", len(found), err)
		}
	}
}

func benchmarkList(b *testing.B, s storage.Store) {
	fill(b, s, 1000)
	for b.Loop() {
		found, err := s.List(b.Context(), "bench/0003", "", 50)
		if err != nil || len(found) != 50 {
			b.Fatalf("List: %d entries, %v", len(found), err)
		}
	}
}

func benchmarkListPage(b *testing.B, s storage.Store) {
	many := 100_000
	if testing.Short() {
		many = 10_000
	}
	fill(b, s, many)
	for b.Loop() {
		after := benchmarkKey(rand.IntN(many - storage.MaxList - 1))
		found, err := s.List(b.Context(), "bench/", after, storage.MaxList)
		if err != nil || len(found) != storage.MaxList {
			b.Fatalf("List: %d entries, %v", len(found), err)
		}
	}
}

// benchmarkCommit replaces records of which the first is checked, as an update
// of a secret does.
func benchmarkCommit(b *testing.B, s storage.Store, records int) {
	keys := fill(b, s, records)
	batch := storage.Batch{Checks: make([]storage.Check, 1)}
	for _, key := range keys {
		batch.Puts = append(batch.Puts, storage.Put{Key: key, Value: benchmarkValue})
	}
	for b.Loop() {
		found, err := s.Get(b.Context(), keys[0])
		if err != nil || len(found) != 1 {
			b.Fatalf("Get: %d entries, %v", len(found), err)
		}
		batch.Checks[0] = storage.Check{Key: keys[0], Version: found[0].Version}
		if err := s.Commit(b.Context(), batch); err != nil {
			b.Fatalf("Commit: %v", err)
		}
	}
}

func benchmarkCommitBesideReaders(b *testing.B, s storage.Store) {
	keys := fill(b, s, 1000)
	ctx, cancel := context.WithCancel(b.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.Get(b.Context(), keys[:50]...); err != nil {
					b.Errorf("Get: %v", err)
					return
				}
			}
		})
	}
	benchmarkCommit(b, s, 1)
	cancel()
	readers.Wait()
}
