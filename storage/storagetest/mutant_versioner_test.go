package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

var (
	_ storage.Versioner = hooks{}
	_ storage.Versioner = (*posted)(nil)
)

// CommitVersion has the fault of Commit, and says what is there after it.
func (h hooks) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	switch {
	case h.commitVersion != nil:
		return h.commitVersion(ctx, b)
	case h.commit == nil:
		return storage.Commit(ctx, h.Store, b)
	}
	if err := h.commit(ctx, b); err != nil || len(b.Puts) == 0 {
		return 0, err
	}
	version, _ := versionOf(context.WithoutCancel(ctx), h.Store, b.Puts[0].Key)
	return version, nil
}

func TestOnlyAVersionerIsTestedAsOne(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CommitVersionIsThatOfItsEntries", "VersionedCommitDeletes"} {
		if !slices.Contains(storagetest.CaseNames(hooks{}), name) {
			t.Errorf("%s is not run for a Versioner", name)
		}
		if slices.Contains(storagetest.CaseNames(struct{ storage.Store }{hooks{}}), name) {
			t.Errorf("%s is run for a Store that is none", name)
		}
	}
}

// again are mutants of Commit, which the cases that are played with
// CommitVersion in its place catch too.
func again(mutants []mutant) []mutant {
	cases := storagetest.CaseNames(hooks{})
	for i, m := range mutants {
		for _, name := range m.caught {
			if name = "Versioned" + name; slices.Contains(cases, name) {
				mutants[i].caught = append(mutants[i].caught, name)
			}
		}
	}
	return mutants
}

// versioning breaks what CommitVersion does, and leaves Commit as it is.
func versioning(commit func(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error)) connector {
	return hook(func(s storage.Store) hooks {
		return hooks{commitVersion: func(ctx context.Context, b storage.Batch) (uint64, error) { return commit(ctx, s, b) }}
	})
}

// saying changes the answer of a commit.
func saying(say func(b storage.Batch, version uint64, err error) (uint64, error)) connector {
	return versioning(func(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
		version, err := storage.Commit(ctx, s, b)
		return say(b, version, err)
	})
}

func versionerMutants() []mutant {
	ofEntries, asCheck, isNew := "CommitVersionIsThatOfItsEntries", "CommitVersionServesAsACheck", "CommitVersionIsNewForEachWrite"
	return []mutant{
		{"the version said is the one before", []string{ofEntries, asCheck, isNew}, versioning(saysBefore)},
		{"the version said is 0", []string{ofEntries, asCheck, isNew, "VersionedCommitPutsAndReplaces"},
			saying(func(_ storage.Batch, _ uint64, err error) (uint64, error) { return 0, err })},
		{"the version said is one more", []string{ofEntries, asCheck},
			saying(func(_ storage.Batch, version uint64, err error) (uint64, error) { return version + 1, err })},
		{"the version said is always the same", []string{ofEntries, asCheck, isNew},
			saying(func(_ storage.Batch, _ uint64, err error) (uint64, error) { return 1, err })},
		{"the version said is the first of several", []string{ofEntries, "CommitVersionIsTheOwnAmongOthers"}, numbered(ofEach, nil)},
		{"the version said is read after the commit", []string{"CommitVersionIsTheOwnAmongOthers"}, versioning(readsAfter)},
		{"a commit that says its version is applied twice", []string{ofEntries, asCheck}, versioning(appliesTwice)},
		{"a commit that says its version ignores checks",
			[]string{asCheck, "CommitVersionWithAnErrorIsZero", "VersionedCommitOfChecksOnly", "VersionedConcurrentIncrementsAreNotLost"},
			versioning(func(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
				return storage.Commit(ctx, s, storage.Batch{Puts: b.Puts, Deletes: b.Deletes})
			})},
		{"a version is said of a batch without puts", []string{"CommitVersionOfNoPutsIsZero", "VersionedCommitDeletes"},
			saying(func(_ storage.Batch, version uint64, err error) (uint64, error) {
				if err == nil {
					version = max(version, 7)
				}
				return version, err
			})},
		{"a version is said beside an error", []string{"CommitVersionWithAnErrorIsZero", "VersionedCommitOfChecksOnly"},
			saying(func(_ storage.Batch, version uint64, err error) (uint64, error) {
				if err != nil {
					version = 7
				}
				return version, err
			})},
		{"a conflict of a commit that says its version is another error", []string{"CommitVersionWithAnErrorIsZero"},
			saying(func(_ storage.Batch, version uint64, err error) (uint64, error) {
				if errors.Is(err, storage.ErrConflict) {
					err = storage.ErrUnavailable
				}
				return version, err
			})},
	}
}

func saysBefore(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
	var before uint64
	if len(b.Puts) > 0 {
		before, _ = versionOf(ctx, s, b.Puts[0].Key)
	}
	return before, s.Commit(ctx, b)
}

// ofEach gives each put of a batch another version.
func ofEach(n *numbers, _ storage.Put) uint64 {
	n.last++
	return n.last
}

func readsAfter(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
	if err := s.Commit(ctx, b); err != nil || len(b.Puts) == 0 {
		return 0, err
	}
	time.Sleep(100 * time.Microsecond) // lets others come between
	return versionOf(ctx, s, b.Puts[0].Key)
}

func appliesTwice(ctx context.Context, s storage.Store, b storage.Batch) (uint64, error) {
	version, err := storage.Commit(ctx, s, b)
	if err != nil {
		return 0, err
	}
	return version, s.Commit(ctx, storage.Batch{Puts: b.Puts, Deletes: b.Deletes})
}
