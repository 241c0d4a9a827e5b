package storagetest

import (
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func versionCases() []testCase {
	return []testCase{
		{"VersionIsNeverZero", versionIsNeverZero},
		{"VersionIsNewForEachWrite", versionIsNewForEachWrite},
		{"VersionStaysWithoutAWrite", versionStaysWithoutAWrite},
		{"VersionStaysAcrossReopening", versionStaysAcrossReopening},
		{"VersionIsNotReusedAfterDelete", versionIsNotReusedAfterDelete},
		{"VersionIsNotReusedAfterReopening", versionIsNotReusedAfterReopening},
	}
}

func versionIsNeverZero(t *trial) {
	s := t.open()
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a"}, {Key: "b"}}})
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "b"}, {Key: "c"}}})
	for _, e := range append(t.get(s, "a", "b", "c"), t.list(s, "", "", 10)...) {
		if e.Version == 0 {
			t.Errorf("%q has version 0", e.Key)
		}
	}
}

// seen holds the versions that a key had.
type seen map[uint64]bool

func (v seen) add(t *trial, version uint64) {
	t.Helper()
	if version == 0 {
		t.Fatal("the key is absent or has version 0")
	}
	if v[version] {
		t.Errorf("version %d was given to two writes of one key", version)
	}
	v[version] = true
}

func versionIsNewForEachWrite(t *trial) {
	s, other := t.open(), t.open()
	versions := seen{}
	for i := range 10 {
		versions.add(t, t.put1(s, "a", fmt.Sprint(i)))
		versions.add(t, t.put1(s, "a", fmt.Sprint(i))) // an equal value is a write too
		versions.add(t, t.put1(other, "a", "other"))
	}
}

func versionStaysWithoutAWrite(t *trial) {
	s := t.open()
	version := t.put1(s, "a", "1")
	b := t.put1(s, "b", "1")
	t.commit(s, storage.Batch{ // a check is no write
		Checks: []storage.Check{{Key: "a", Version: version}, {Key: "b", Version: b}},
		Puts:   []storage.Put{{Key: "b"}},
	})
	t.remove(s, "b")
	t.conflict(s, storage.Batch{Checks: []storage.Check{{Key: "a"}}, Puts: []storage.Put{{Key: "a"}}})
	if now := t.versions(s, "a")["a"]; now != version {
		t.Errorf("the version went from %d to %d without a write", version, now)
	}
}

func versionStaysAcrossReopening(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "b": "2"})
	t.put(s, pairs{"b": "3"})
	want := t.get(s, "a", "b")
	t.close(s)
	t.expectEntries("after reopening", t.get(t.open(), "a", "b"), want...)
}

// versionIsNotReusedAfterDelete fails with one counter for each row: the check
// of whoever read the deleted entry would hold for the new one.
func versionIsNotReusedAfterDelete(t *trial) {
	s := t.open()
	versions := seen{}
	for i := range 5 {
		old := t.put1(s, "a", "old")
		versions.add(t, old)
		t.remove(s, "a")
		versions.add(t, t.put1(s, "a", "new"))
		t.conflict(s, storage.Batch{
			Checks: []storage.Check{{Key: "a", Version: old}},
			Puts:   []storage.Put{{Key: "a", Value: fmt.Append(nil, "lost ", i)}},
		})
		t.expect(s, pairs{"a": "new"})
	}
}

// versionIsNotReusedAfterReopening fails with a counter in memory, and with
// one that is derived from what is stored, since nothing is.
func versionIsNotReusedAfterReopening(t *trial) {
	versions := seen{}
	for range 3 {
		s := t.open()
		old := t.put1(s, "a", "old")
		versions.add(t, old)
		t.remove(s, "a")
		t.close(s)

		s = t.open()
		versions.add(t, t.put1(s, "a", "new"))
		t.conflict(s, storage.Batch{
			Checks:  []storage.Check{{Key: "a", Version: old}},
			Deletes: []string{"a"},
		})
		t.expect(s, pairs{"a": "new"})
		t.remove(s, "a")
		t.close(s)
	}
}
