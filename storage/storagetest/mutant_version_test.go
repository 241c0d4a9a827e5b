package storagetest_test

import (
	"context"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// numbers gives versions of its own to the writes of a store.
type numbers struct {
	next   func(*numbers, storage.Put) uint64
	reopen func(*numbers) // called at each opening, nil for nothing

	mu       sync.Mutex
	last     uint64 // the number of commits
	versions map[string]uint64
	rows     map[string]uint64 // writes of each key since it was created
}

func numbered(next func(*numbers, storage.Put) uint64, reopen func(*numbers)) connector {
	return func(data *memory.Store) func() storage.Store {
		n := &numbers{next: next, reopen: reopen, versions: map[string]uint64{}, rows: map[string]uint64{}}
		return func() storage.Store { return n.open(data.Open()) }
	}
}

func (n *numbers) open(s storage.Store) storage.Store {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reopen != nil {
		n.reopen(n)
	}
	return hooks{
		Store: s,
		get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			found, err := s.Get(ctx, keys...)
			return n.renumber(found), err
		},
		list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			found, err := s.List(ctx, prefix, after, limit)
			return n.renumber(found), err
		},
		commit:        func(ctx context.Context, b storage.Batch) error { _, err := n.commit(ctx, s, b); return err },
		commitVersion: func(ctx context.Context, b storage.Batch) (uint64, error) { return n.commit(ctx, s, b) },
	}
}

func (n *numbers) renumber(found []storage.Entry) []storage.Entry {
	for i := range found {
		found[i].Version = n.versions[found[i].Key]
	}
	return found
}

func (n *numbers) commit(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b.Checks = slices.Clone(b.Checks)
	for i, c := range b.Checks {
		version, err := versionOf(ctx, s, c.Key)
		if err != nil {
			return 0, err
		}
		if (version == 0) != (c.Version == 0) || version != 0 && c.Version != n.versions[c.Key] {
			return 0, storage.ErrConflict
		}
		b.Checks[i].Version = version
	}
	if err := s.Commit(ctx, b); err != nil {
		return 0, err
	}
	n.last++
	for _, put := range b.Puts {
		n.rows[put.Key]++
		n.versions[put.Key] = n.next(n, put)
	}
	for _, key := range b.Deletes {
		delete(n.rows, key)
		delete(n.versions, key)
	}
	if len(b.Puts) == 0 {
		return 0, nil
	}
	return n.versions[b.Puts[0].Key], nil
}

func versionMutants() []mutant {
	ofStore := func(n *numbers, _ storage.Put) uint64 { return n.last }
	return []mutant{
		{"versions begin at 0", []string{"VersionIsNeverZero"},
			numbered(func(n *numbers, _ storage.Put) uint64 { return n.last - 1 }, nil)},
		{"a version is the hash of the value", []string{"VersionIsNewForEachWrite"}, numbered(hashed, nil)},
		{"a version is counted for each row", []string{"VersionIsNotReusedAfterDelete", "VersionIsNotReusedAfterReopening"},
			numbered(func(n *numbers, put storage.Put) uint64 { return n.rows[put.Key] }, nil)},
		{"every version is that of the last commit", []string{"VersionStaysWithoutAWrite"}, numbered(everyVersion, nil)},
		{"the versions are counted in memory", []string{"VersionIsNotReusedAfterReopening"},
			numbered(ofStore, func(n *numbers) { n.last = 0 })},
		{"the versions go on from the greatest that is stored", []string{"VersionIsNotReusedAfterReopening"},
			numbered(ofStore, func(n *numbers) { n.last = greatest(n.versions) })},
		{"the versions go on from the greatest that is stored, at each write", []string{"VersionIsNotReusedAfterDelete"},
			numbered(func(n *numbers, _ storage.Put) uint64 { return greatest(n.versions) + 1 }, nil)},
		{"opening gives new versions", []string{"VersionStaysAcrossReopening"},
			numbered(ofStore, everyVersionPlusOne)},
	}
}

func hashed(_ *numbers, put storage.Put) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(put.Value)
	return h.Sum64() | 1
}

func everyVersion(n *numbers, _ storage.Put) uint64 {
	for key := range n.versions {
		n.versions[key] = n.last
	}
	return n.last
}

func everyVersionPlusOne(n *numbers) {
	for key := range n.versions {
		n.versions[key]++
	}
	n.last++
}

func greatest(versions map[string]uint64) uint64 {
	most := uint64(0)
	for _, version := range versions {
		most = max(most, version)
	}
	return most
}
