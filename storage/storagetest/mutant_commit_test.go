package storagetest_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// written changes a batch before it is committed, or answers in its place.
func written(change func(ctx context.Context, s storage.Store, b *storage.Batch) error) connector {
	return hook(func(s storage.Store) hooks {
		return hooks{commit: func(ctx context.Context, b storage.Batch) error {
			if err := change(ctx, s, &b); err != nil {
				return err
			}
			return s.Commit(ctx, b)
		}}
	})
}

// checked keeps only some checks of a batch.
func checked(keep func(b storage.Batch, c storage.Check) bool) connector {
	return written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
		b.Checks = slices.DeleteFunc(slices.Clone(b.Checks), func(c storage.Check) bool { return !keep(*b, c) })
		return nil
	})
}

// masked compares only some bits of a version.
func masked(mask uint64) connector {
	return written(func(ctx context.Context, s storage.Store, b *storage.Batch) error {
		return recheck(ctx, s, b, func(version uint64) uint64 { return version & mask })
	})
}

// recheck replaces each check by one that holds if the versions are the same
// to the eye of the mutant.
func recheck(ctx context.Context, s storage.Store, b *storage.Batch, eye func(uint64) uint64) error {
	b.Checks = slices.Clone(b.Checks)
	for i, c := range b.Checks {
		version, err := versionOf(ctx, s, c.Key)
		if err != nil {
			return err
		}
		if eye(version) == eye(c.Version) {
			b.Checks[i].Version = version
		}
	}
	return nil
}

func versionOf(ctx context.Context, s storage.Store, key string) (uint64, error) {
	found, err := s.Get(ctx, key)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Version, nil
}

func writes(b storage.Batch, key string) bool {
	return slices.Contains(b.Deletes, key) || slices.ContainsFunc(b.Puts, func(p storage.Put) bool { return p.Key == key })
}

func commitMutants() []mutant {
	return []mutant{
		{"a put keeps what is there", []string{"CommitPutsAndReplaces"}, written(onlyNew)},
		{"a delete is for a prefix", []string{"CommitDeletes"}, written(deletesPrefix)},
		{"deleting the absent is a conflict", []string{"CommitDeletesTheAbsent"}, written(deletesOnlyWhatIsThere)},
		{"deletes beside puts are forgotten", []string{"CommitIsAppliedAsAWhole", "CommitDeletes"}, written(putsOrDeletes)},
		{"a check beside a write of its key is ignored",
			[]string{"CommitChecksBesideAPutOrDelete", "ConcurrentCreationHasOneWinner", "ConcurrentIncrementsAreNotLost"},
			checked(func(b storage.Batch, c storage.Check) bool { return !writes(b, c.Key) })},
		{"a check of a key that is not written is ignored",
			[]string{"CommitOfChecksOnly", "CommitConflictsOnWhatChangedSince", "ConcurrentWriteSkewIsRefused", "ConcurrentPhantomIsRefused",
				"RandomOperationsAgreeWithAModel"},
			checked(func(b storage.Batch, c storage.Check) bool { return writes(b, c.Key) })},
		{"a check for absence is ignored",
			[]string{"CommitConflictsAndWritesNothing", "CommitConflictsOnWhatChangedSince", "ConcurrentPhantomIsRefused", "EmptyValueIsNotAbsent"},
			checked(func(_ storage.Batch, c storage.Check) bool { return c.Version != 0 })},
		{"a check for a version is ignored", []string{"CommitConflictsAndWritesNothing", "ConcurrentWriteSkewIsRefused"},
			checked(func(_ storage.Batch, c storage.Check) bool { return c.Version == 0 })},
		{"only the first check counts", []string{"CommitConflictsOnOneCheckOfMany"},
			checked(func(b storage.Batch, c storage.Check) bool { return c == b.Checks[0] })},
		{"the last check is ignored", []string{"CommitConflictsOnOneCheckOfMany"},
			checked(func(b storage.Batch, c storage.Check) bool {
				return len(b.Checks) == 1 || c != b.Checks[len(b.Checks)-1]
			})},
		{"a version has 63 bits", []string{"CommitConflictsAndWritesNothing"}, masked(1<<63 - 1)},
		{"a version has 32 bits", []string{"CommitConflictsAndWritesNothing"}, masked(1<<32 - 1)},
		{"a version holds if the entry is not newer", []string{"CommitConflictsAndWritesNothing"}, written(notNewer)},
		{"a version is refused above 63 bits", []string{"CommitConflictsAndWritesNothing"}, written(refusesHighVersions)},
		{"an absent entry passes any check", []string{"CommitConflictsAndWritesNothing", "CommitOfChecksOnly"}, written(absentPasses)},
		{"a conflict comes after the writes", []string{"CommitConflictsAndWritesNothing", "CommitConflictsOnOneCheckOfMany"}, written(writesFirst)},
		{"a conflict comes after the deletes", []string{"CommitConflictsAndWritesNothing"}, written(deletesFirst)},
		{"a conflict has another error", []string{"CommitOfChecksOnly"}, written(otherError)},
	}
}

func onlyNew(ctx context.Context, s storage.Store, b *storage.Batch) error {
	var puts []storage.Put
	for _, put := range b.Puts {
		version, err := versionOf(ctx, s, put.Key)
		if err != nil {
			return err
		}
		if version == 0 {
			puts = append(puts, put)
		}
	}
	b.Puts = puts
	return nil
}

func deletesPrefix(ctx context.Context, s storage.Store, b *storage.Batch) error {
	var all []string
	for _, prefix := range b.Deletes {
		found, err := s.List(ctx, prefix, "", storage.MaxList)
		if err != nil {
			return err
		}
		for _, e := range found {
			all = append(all, e.Key)
		}
	}
	b.Deletes = all
	return nil
}

func deletesOnlyWhatIsThere(ctx context.Context, s storage.Store, b *storage.Batch) error {
	for _, key := range b.Deletes {
		if version, err := versionOf(ctx, s, key); err != nil || version == 0 {
			return storage.ErrConflict
		}
	}
	return nil
}

func putsOrDeletes(_ context.Context, _ storage.Store, b *storage.Batch) error {
	if len(b.Puts) > 0 {
		b.Deletes = nil
	}
	return nil
}

func notNewer(ctx context.Context, s storage.Store, b *storage.Batch) error {
	b.Checks = slices.Clone(b.Checks)
	for i, c := range b.Checks {
		if version, err := versionOf(ctx, s, c.Key); err == nil && version != 0 && version <= c.Version {
			b.Checks[i].Version = version
		}
	}
	return nil
}

func refusesHighVersions(_ context.Context, _ storage.Store, b *storage.Batch) error {
	for _, c := range b.Checks {
		if c.Version >= 1<<63 {
			return storage.ErrLimit
		}
	}
	return nil
}

func absentPasses(ctx context.Context, s storage.Store, b *storage.Batch) error {
	b.Checks = slices.Clone(b.Checks)
	for i, c := range b.Checks {
		if version, err := versionOf(ctx, s, c.Key); err == nil && version == 0 {
			b.Checks[i].Version = 0
		}
	}
	return nil
}

func writesFirst(ctx context.Context, s storage.Store, b *storage.Batch) error {
	puts := b.Puts
	if err := s.Commit(ctx, storage.Batch{Checks: b.Checks}); err != nil {
		_ = s.Commit(ctx, storage.Batch{Puts: puts})
		return err
	}
	return nil
}

func deletesFirst(ctx context.Context, s storage.Store, b *storage.Batch) error {
	if err := s.Commit(ctx, storage.Batch{Checks: b.Checks}); err != nil {
		_ = s.Commit(ctx, storage.Batch{Deletes: b.Deletes})
		return err
	}
	return nil
}

func otherError(ctx context.Context, s storage.Store, b *storage.Batch) error {
	if err := s.Commit(ctx, storage.Batch{Checks: b.Checks}); err != nil {
		return storage.ErrUnavailable
	}
	return nil
}

func concurrencyMutants() []mutant {
	return []mutant{
		{"checks are made before the commit",
			[]string{"ConcurrentWriteSkewIsRefused", "ConcurrentPhantomIsRefused", "ConcurrentCreationHasOneWinner", "ConcurrentIncrementsAreNotLost"},
			written(checksBefore)},
		{"a batch is written one by one", []string{"GetReadsOneInstant", "ListReadsOneInstant"}, hook(oneByOne)},
		{"Get reads by chunks", []string{"GetReadsOneInstant"}, hook(getsByChunks)},
		{"List reads by chunks", []string{"ListReadsOneInstant"}, hook(listsByChunks)},
		{"nothing is ever committed among others", []string{"ConcurrentWriteSkewIsRefused", "ConcurrentPhantomIsRefused", "ConcurrentCreationHasOneWinner"},
			written(givesWay)},
	}
}

func checksBefore(ctx context.Context, s storage.Store, b *storage.Batch) error {
	if err := s.Commit(ctx, storage.Batch{Checks: b.Checks}); err != nil {
		return err
	}
	time.Sleep(100 * time.Microsecond)
	b.Checks = nil
	return nil
}

func oneByOne(s storage.Store) hooks {
	return hooks{commit: func(ctx context.Context, b storage.Batch) error {
		parts := []storage.Batch{{Checks: b.Checks}}
		for _, put := range b.Puts {
			parts = append(parts, storage.Batch{Puts: []storage.Put{put}})
		}
		for _, key := range b.Deletes {
			parts = append(parts, storage.Batch{Deletes: []string{key}})
		}
		for _, part := range parts {
			if err := s.Commit(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}}
}

// chunk is as many operations as etcd takes in one request.
const chunk = 128

func getsByChunks(s storage.Store) hooks {
	return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
		var all []storage.Entry
		for part := range slices.Chunk(keys, chunk) {
			found, err := s.Get(ctx, part...)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
		return all, nil
	}}
}

func listsByChunks(s storage.Store) hooks {
	return hooks{list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
		var all []storage.Entry
		for len(all) < limit {
			found, err := s.List(ctx, prefix, after, min(chunk, limit-len(all)))
			if err != nil || len(found) == 0 {
				return all, err
			}
			all = append(all, found...)
			after = all[len(all)-1].Key
		}
		return all, nil
	}}
}

// givesWay makes the keys of the concurrent cases unwritable, as a database
// might that aborts both of two transactions each time.
func givesWay(_ context.Context, _ storage.Store, b *storage.Batch) error {
	alone := len(b.Puts) == 1 && (b.Puts[0].Key == "x" || b.Puts[0].Key == "y" || strings.HasPrefix(b.Puts[0].Key, "new/"))
	if alone {
		return storage.ErrConflict
	}
	return nil
}
