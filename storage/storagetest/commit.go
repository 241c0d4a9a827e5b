package storagetest

import (
	"fmt"
	"math"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func commitCases() []testCase {
	return []testCase{
		{"CommitPutsAndReplaces", commitPutsAndReplaces},
		{"CommitDeletes", commitDeletes},
		{"CommitDeletesTheAbsent", commitDeletesTheAbsent},
		{"CommitIsAppliedAsAWhole", commitIsAppliedAsAWhole},
		{"CommitChecksBesideAPutOrDelete", commitChecksBesideAPutOrDelete},
		{"CommitOfChecksOnly", commitOfChecksOnly},
		{"CommitConflictsAndWritesNothing", commitConflictsAndWritesNothing},
		{"CommitConflictsOnOneCheckOfMany", commitConflictsOnOneCheckOfMany},
		{"CommitConflictsOnWhatChangedSince", commitConflictsOnWhatChangedSince},
	}
}

// absent is a check that holds throughout, for batches about something else.
var absent = []storage.Check{{Key: "never-there"}}

func commitPutsAndReplaces(t *trial) {
	s := t.open()
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a", Value: []byte("1")}}})
	t.expect(s, pairs{"a": "1"})
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a", Value: []byte("2")}}})
	t.expect(s, pairs{"a": "2"})
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a"}}})
	t.expect(s, pairs{"a": ""})
}

func commitDeletes(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "a/b": "2", "b": "3"})
	t.commit(s, storage.Batch{Checks: absent, Deletes: []string{"a"}})
	t.expect(s, pairs{"a/b": "2", "b": "3"})
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "a"}}, Deletes: []string{"b", "a/b"}})
	t.expect(s, pairs{"a": ""})
}

func commitDeletesTheAbsent(t *trial) {
	s := t.open()
	t.commit(s, storage.Batch{Checks: absent, Deletes: []string{"a", "b"}})
	t.commit(s, storage.Batch{Checks: []storage.Check{{Key: "a"}}, Deletes: []string{"a"}})
	t.put(s, pairs{"a": "1"})
	t.commit(s, storage.Batch{Checks: absent, Puts: []storage.Put{{Key: "c"}}, Deletes: []string{"b", "a"}})
	t.expect(s, pairs{"c": ""})
}

func commitIsAppliedAsAWhole(t *trial) {
	s := t.open()
	t.put(s, pairs{"replaced": "1", "deleted": "2", "kept": "3"})
	t.commit(s, storage.Batch{
		Checks:  t.checks(s, "replaced", "deleted", "kept", "created"),
		Puts:    []storage.Put{{Key: "replaced", Value: []byte("4")}, {Key: "created", Value: []byte("5")}},
		Deletes: []string{"deleted"},
	})
	t.expect(s, pairs{"replaced": "4", "created": "5", "kept": "3"})
}

func commitChecksBesideAPutOrDelete(t *trial) {
	s := t.open()
	t.commit(s, storage.Batch{Checks: []storage.Check{{Key: "a"}}, Puts: []storage.Put{{Key: "a", Value: []byte("1")}}})
	first := t.versions(s, "a")["a"]
	b := storage.Batch{Checks: []storage.Check{{Key: "a", Version: first}}, Puts: []storage.Put{{Key: "a", Value: []byte("2")}}}
	t.commit(s, b)
	t.conflict(s, b)
	t.conflict(s, storage.Batch{Checks: b.Checks, Deletes: []string{"a"}})
	t.expect(s, pairs{"a": "2"})
	t.commit(s, storage.Batch{Checks: t.checks(s, "a"), Deletes: []string{"a"}})
	t.expect(s, pairs{})
}

func commitOfChecksOnly(t *trial) {
	s := t.open()
	version := t.put1(s, "a", "1")
	t.commit(s, storage.Batch{Checks: []storage.Check{{Key: "b"}, {Key: "a", Version: version}}})
	t.conflict(s, storage.Batch{Checks: []storage.Check{{Key: "a"}}})
	t.conflict(s, storage.Batch{Checks: []storage.Check{{Key: "b", Version: version}}})
	t.expect(s, pairs{"a": "1"})
}

// commitConflictsAndWritesNothing holds every check that does not hold beside
// every kind of write of the checked key.
func commitConflictsAndWritesNothing(t *trial) {
	s := t.open()
	there := t.put(s, pairs{"there": "1", "other": "2"})
	version := there["there"]
	old := version
	version = t.put1(s, "there", "3")
	gone := t.put1(s, "gone", "4")
	t.remove(s, "gone")
	want := pairs{"there": "3", "other": "2"}

	for name, check := range map[string]storage.Check{
		"absent expected, is there":    {Key: "there"},
		"older version":                {Key: "there", Version: old},
		"next version":                 {Key: "there", Version: version + 1},
		"version of another key":       {Key: "there", Version: gone},
		"largest version":              {Key: "there", Version: math.MaxUint64},
		"version with the highest bit": {Key: "there", Version: version | 1<<63},
		"version with a bit above 32":  {Key: "there", Version: version | 1<<32},
		"version expected, deleted":    {Key: "gone", Version: gone},
		"version expected, never was":  {Key: "never", Version: version},
		"largest version, never was":   {Key: "never", Version: math.MaxUint64},
	} {
		checks := []storage.Check{check}
		for _, b := range []storage.Batch{
			{Checks: checks, Puts: []storage.Put{{Key: check.Key, Value: []byte("lost")}}},
			{Checks: checks, Deletes: []string{check.Key}},
			{Checks: checks, Puts: []storage.Put{{Key: "new", Value: []byte("lost")}}, Deletes: []string{"other"}},
		} {
			t.conflict(s, b)
		}
		t.expect(s, want)
		if t.Failed() {
			t.Fatalf("that was: %s", name)
		}
	}
}

func commitConflictsOnOneCheckOfMany(t *trial) {
	s := t.open()
	write := pairs{}
	for i := range 60 {
		write[fmt.Sprintf("there/%02d", i)] = "1"
	}
	t.put(s, write)
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprintf("there/%02d", i))
	}
	for i := range 40 {
		keys = append(keys, fmt.Sprintf("absent/%02d", i))
	}
	holding := t.checks(s, keys...)
	for _, at := range []int{0, 1, 30, 59, 60, 61, 80, 99} {
		b := storage.Batch{
			Checks:  append([]storage.Check(nil), holding...),
			Puts:    []storage.Put{{Key: "absent/00", Value: []byte("lost")}, {Key: "there/00", Value: []byte("lost")}},
			Deletes: []string{"there/59"},
		}
		b.Checks[at].Version++
		t.conflict(s, b)
	}
	t.expect(s, write)
	t.commit(s, storage.Batch{Checks: holding, Deletes: []string{"there/59"}})
}

// commitConflictsOnWhatChangedSince reads, lets another Store write, and
// commits what rests on the read. The checked key is one that the batch does
// not write.
func commitConflictsOnWhatChangedSince(t *trial) {
	s, other := t.open(), t.open()
	for _, change := range []struct {
		name   string
		before pairs
		change func()
	}{
		{"replaced", pairs{"checked": "1"}, func() { t.put(other, pairs{"checked": "2"}) }},
		{"replaced by the same", pairs{"checked": "1"}, func() { t.put(other, pairs{"checked": "1"}) }},
		{"deleted", pairs{"checked": "1"}, func() { t.remove(other, "checked") }},
		{"created", nil, func() { t.put(other, pairs{"checked": "1"}) }},
		{"deleted and created again", pairs{"checked": "1"}, func() {
			t.remove(other, "checked")
			t.put(other, pairs{"checked": "1"})
		}},
	} {
		t.commit(s, storage.Batch{Checks: absent, Deletes: []string{"checked"}})
		t.put(s, change.before)
		b := storage.Batch{Checks: t.checks(s, "checked"), Puts: []storage.Put{{Key: "written", Value: []byte("lost")}}}
		change.change()
		t.conflict(s, b)
		t.expectKeys("after a conflict: the checked key was "+change.name, t.get(s, "written"))
	}
	// created, then gone again: the check holds at the instant of the commit
	t.remove(other, "checked")
	b := storage.Batch{Checks: t.checks(s, "checked"), Puts: []storage.Put{{Key: "written"}}}
	t.put(other, pairs{"checked": "1"})
	t.remove(other, "checked")
	t.commit(s, b)
	t.expect(s, pairs{"written": ""})
}
