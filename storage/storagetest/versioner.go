package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// versionerCases are for a [storage.Versioner]: those of the version, and those
// of Commit once more.
func versionerCases() []testCase {
	all := []testCase{
		{"CommitVersionIsThatOfItsEntries", commitVersionIsThatOfItsEntries},
		{"CommitVersionIsNewForEachWrite", commitVersionIsNewForEachWrite},
		{"CommitVersionServesAsACheck", commitVersionServesAsACheck},
		{"CommitVersionOfNoPutsIsZero", commitVersionOfNoPutsIsZero},
		{"CommitVersionWithAnErrorIsZero", commitVersionWithAnErrorIsZero},
		{"CommitVersionIsTheOwnAmongOthers", commitVersionIsTheOwnAmongOthers},
	}
	for _, c := range slices.Concat(commitCases(), concurrencyCases(), errorCases(), contextCases(), []testCase{
		{"BytesOfACommitAreCopied", bytesOfACommitAreCopied},
		{"ChangesSignalsEachKindOfCommit", signalsEachKindOfCommit},
	}) {
		all = append(all, c.versioned())
	}
	return all
}

// versioned is the case with CommitVersion in the place of Commit.
func (c testCase) versioned() testCase {
	return testCase{"Versioned" + c.name, func(t *trial) {
		connect := t.connect
		t.connect = func() storage.Store { return t.versioned(connect()) }
		c.run(t)
	}}
}

// versioned is a Store whose Commit is CommitVersion.
type versioned struct {
	storage.Store
	versioner storage.Versioner
	t         *trial
}

func (v versioned) Commit(ctx context.Context, b storage.Batch) error {
	version, err := v.versioner.CommitVersion(ctx, b)
	if said := version != 0; said != (err == nil && len(b.Puts) > 0) {
		v.t.Errorf("CommitVersion of %d puts: got version %d, error %v", len(b.Puts), version, err)
	}
	return err
}

func (v versioned) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), v.Store) }

func (t *trial) versioned(s storage.Store) storage.Store {
	t.Helper()
	return versioned{s, t.versioner(s), t}
}

func (t *trial) versioner(s storage.Store) storage.Versioner {
	t.Helper()
	v, ok := s.(storage.Versioner)
	if !ok {
		t.Fatalf("%T is no storage.Versioner", s)
	}
	return v
}

func (t *trial) commitVersion(s storage.Store, b storage.Batch) uint64 {
	t.Helper()
	version, err := t.versioner(s).CommitVersion(t.Context(), b)
	if err != nil {
		t.Fatalf("CommitVersion: %v", err)
	}
	return version
}

// commitVersionIsThatOfItsEntries fails where each put of a batch has a version
// of its own.
func commitVersionIsThatOfItsEntries(t *trial) {
	s, other := t.open(), t.open()
	for _, keys := range [][]string{{"a"}, {"c", "b", "a"}, {"a"}, {"b/2", "b", "b/1"}, numbered("many/", storage.MaxWrites-1)} {
		for _, value := range []string{"1", "1", ""} { // an equal value is a write too
			b := storage.Batch{Checks: t.checks(s, keys...), Deletes: []string{"never-there"}}
			for _, key := range keys {
				b.Puts = append(b.Puts, storage.Put{Key: key, Value: []byte(value)})
			}
			version := t.commitVersion(s, b)
			for _, reader := range []storage.Store{s, other} {
				found := append(t.get(reader, keys...), t.list(reader, keys[len(keys)-1], "", 1)...)
				if len(found) != len(keys)+1 {
					t.Errorf("after CommitVersion of %d puts there are %s", len(keys), describe(found))
				}
				t.expectVersion(version, found)
			}
		}
	}
}

func numbered(prefix string, n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("%s%02d", prefix, i))
	}
	return keys
}

func (t *trial) expectVersion(version uint64, found []storage.Entry) {
	t.Helper()
	if slices.ContainsFunc(found, func(e storage.Entry) bool { return e.Version != version }) {
		t.Errorf("CommitVersion has said version %d, but there are %s", version, describe(found))
	}
}

func commitVersionIsNewForEachWrite(t *trial) {
	versions := seen{}
	put := storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a", Value: []byte("1")}}}
	for range 3 {
		s, other := t.open(), t.open()
		for range 3 {
			versions.add(t, t.commitVersion(s, put))
			versions.add(t, t.put1(s, "a", "1"))
			versions.add(t, t.commitVersion(other, put))
		}
		t.remove(s, "a")
		t.close(s)
		t.close(other)
	}
}

// commitVersionServesAsACheck is what a writer does that reads nothing, also
// where the commits between are of the other kind.
func commitVersionServesAsACheck(t *trial) {
	s := t.open()
	last := t.commitVersion(s, guarded("a", 0, "a", "0"))
	for i := range 5 {
		version := t.commitVersion(s, guarded("a", last, "a", fmt.Sprint(i)))
		for _, old := range []uint64{last, 0} {
			t.conflict(s, guarded("a", old, "a", "lost"))
			t.conflict(t.versioned(s), guarded("a", old, "a", "lost"))
		}
		t.commit(s, guarded("a", version, "beside", ""))
		t.expect(s, pairs{"a": fmt.Sprint(i), "beside": ""})
		last = version
	}
	t.commit(s, guarded("a", last, "a", "committed"))
	t.conflict(s, guarded("a", last, "a", "lost"))
	last = t.commitVersion(s, guarded("a", t.versions(s, "a")["a"], "a", "versioned"))
	t.commit(s, storage.Batch{Checks: []storage.Check{{Key: "a", Version: last}}, Deletes: []string{"a", "beside"}})
	t.commitVersion(s, guarded("a", 0, "a", "again"))
	t.conflict(s, guarded("a", last, "a", "lost"))
	t.expect(s, pairs{"a": "again"})
}

func commitVersionOfNoPutsIsZero(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "b": "2", "c": "3"})
	for _, b := range []storage.Batch{
		{Checks: absent},
		{Checks: t.checks(s, "a", "b", "d")},
		{Checks: absent, Deletes: []string{"a", "never-there"}},
		{Checks: t.checks(s, "b"), Deletes: []string{"b"}},
		{Checks: absent, Deletes: []string{"a"}},
	} {
		if version := t.commitVersion(s, b); version != 0 {
			t.Errorf("CommitVersion of %d checks and %d deletes has said version %d, want 0", len(b.Checks), len(b.Deletes), version)
		}
	}
	t.expect(s, pairs{"c": "3"})
}

func commitVersionWithAnErrorIsZero(t *trial) {
	s, closed := t.open(), t.open()
	t.put(s, pairs{"a": "1"})
	t.close(closed)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name  string
		store storage.Store
		ctx   context.Context
		b     storage.Batch
		want  error
	}{
		{"of what is there", s, t.Context(), guarded("a", 0, "a", "lost"), storage.ErrConflict},
		{"of what is not there", s, t.Context(), guarded("b", 1, "a", "lost"), storage.ErrConflict},
		{"of checks", s, t.Context(), storage.Batch{Checks: []storage.Check{{Key: "a"}}}, storage.ErrConflict},
		{"after the end of the context", s, ended, guarded("b", 0, "b", "lost"), context.Canceled},
		{"after Close", closed, t.Context(), guarded("b", 0, "b", "lost"), storage.ErrClosed},
	} {
		version, err := t.versioner(c.store).CommitVersion(c.ctx, c.b)
		if version != 0 || !errors.Is(err, c.want) {
			t.Errorf("CommitVersion %s: got version %d, error %v; want 0, %v", c.name, version, err, c.want)
		}
	}
	t.expect(s, pairs{"a": "1"})
}

// commitVersionIsTheOwnAmongOthers has all writers put one key, and each of them
// another in the same batch, so that it can be said which version was whose.
func commitVersionIsTheOwnAmongOthers(t *trial) {
	stores := []storage.Store{t.open(), t.open()}
	ctx, cancel := t.deadline()
	defer cancel()
	var said sync.Map // the versions
	var writers []func() error
	for i, s := range slices.Repeat(stores, 2) {
		v, own := t.versioner(s), fmt.Sprintf("own/%d", i)
		writers = append(writers, func() error {
			for range t.rounds(25) {
				version, err := commitAmongOthers(ctx, v, "shared", own)
				if err != nil {
					return fmt.Errorf("commit: %w", err)
				}
				if _, twice := said.LoadOrStore(version, true); twice {
					return fmt.Errorf("version %d was said of two writes of one key", version)
				}
				found, err := s.Get(ctx, own)
				if err != nil || len(found) != 1 || found[0].Version != version {
					return fmt.Errorf("version %d was said; found: %s, error %v", version, describe(found), err)
				}
			}
			return nil
		})
	}
	t.succeeded("CommitVersion among others", together(writers...))
}

// commitAmongOthers puts the keys, and repeats what had to give way.
func commitAmongOthers(ctx context.Context, v storage.Versioner, keys ...string) (uint64, error) {
	b := storage.Batch{Checks: absent}
	for _, key := range keys {
		b.Puts = append(b.Puts, storage.Put{Key: key})
	}
	for {
		version, err := v.CommitVersion(ctx, b)
		if !nothingApplied(err) || ctx.Err() != nil {
			return version, err
		}
	}
}
