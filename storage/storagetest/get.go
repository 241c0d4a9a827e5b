package storagetest

import (
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func getCases() []testCase {
	return []testCase{
		{"GetLeavesAbsentKeysOut", getLeavesAbsentKeysOut},
		{"GetAnswersInTheOrderAsked", getAnswersInTheOrderAsked},
		{"GetAnswersAKeyAskedTwiceTwice", getAnswersAKeyAskedTwiceTwice},
		{"GetOfNoKeysFindsNothing", getOfNoKeysFindsNothing},
		{"GetComparesKeysAsBytes", getComparesKeysAsBytes},
		{"GetAndListAgree", getAndListAgree},
		{"EmptyValueIsNotAbsent", emptyValueIsNotAbsent},
		{"ValuesHoldEveryByte", valuesHoldEveryByte},
	}
}

func getLeavesAbsentKeysOut(t *trial) {
	s := t.open()
	t.expectKeys("Get from empty data", t.get(s, "a"))
	t.put(s, pairs{"a": "1", "c": "3"})
	t.expectKeys("Get of an absent key", t.get(s, "b"))
	t.expectKeys("Get with absent keys among others", t.get(s, "0", "a", "b", "c", "d"), "a", "c")
	t.remove(s, "a")
	t.expectKeys("Get of a deleted key", t.get(s, "a", "c"), "c")
}

func getAnswersInTheOrderAsked(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "b": "2", "c": "3", "d": "4"})
	for _, asked := range [][]string{{"d", "b", "a", "c"}, {"a", "b", "c", "d"}, {"c", "d", "a", "b"}} {
		t.expectKeys("Get", t.get(s, asked...), asked...)
	}
}

func getAnswersAKeyAskedTwiceTwice(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "b": "2"})
	asked := []string{"b", "a", "b", "b"}
	got := t.get(s, "b", "a", "absent", "b", "absent", "b")
	t.expectKeys("Get", got, asked...)
	for _, e := range got {
		if want := map[string]string{"a": "1", "b": "2"}[e.Key]; string(e.Value) != want {
			t.Errorf("%q is %q, want %q", e.Key, e.Value, want)
		}
	}
}

func getOfNoKeysFindsNothing(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1"})
	t.expectKeys("Get", t.get(s))
}

func getComparesKeysAsBytes(t *trial) {
	s := t.open()
	t.put(s, pairs{"org/a": "1", "a": "2", "A%": "3"})
	t.expectKeys("Get of keys that are not quite there",
		t.get(s, "ORG/A", "Org/a", "org/a/", "org/", "org", "rg/a", "A", "A_", "a%", "%", "_", "*", "?", "[a]"))
}

func getAndListAgree(t *trial) {
	s := t.open()
	t.put(s, pairs{"a": "1", "b": "2"})
	t.put(s, pairs{"b": "3", "c": "4"})
	t.expectEntries("List", t.list(s, "", "", 10), t.get(s, "a", "b", "c")...)
	t.expect(s, pairs{"a": "1", "b": "3", "c": "4"})
}

func emptyValueIsNotAbsent(t *trial) {
	s := t.open()
	t.commit(s, storage.Batch{
		Checks: []storage.Check{{Key: "empty"}, {Key: "nil"}},
		Puts:   []storage.Put{{Key: "empty", Value: []byte{}}, {Key: "nil", Value: nil}},
	})
	got := t.get(s, "empty", "nil")
	t.expectKeys("Get", got, "empty", "nil")
	t.expectKeys("List", t.list(s, "", "", 10), "empty", "nil")
	for _, e := range got {
		if len(e.Value) != 0 || e.Version == 0 {
			t.Errorf("%q is %q at version %d, want an empty value and a version", e.Key, e.Value, e.Version)
		}
		t.conflict(s, storage.Batch{Checks: []storage.Check{{Key: e.Key}}, Puts: []storage.Put{{Key: e.Key}}})
	}
}

func valuesHoldEveryByte(t *trial) {
	s := t.open()
	var every strings.Builder
	for i := range 256 {
		every.WriteByte(byte(i))
	}
	want := pairs{
		"every":     every.String(),
		"nul":       "\x00",
		"nul-last":  "a\x00",
		"nul-first": "\x00a",
		"not-utf8":  "\xff\xfe\xc3\x28\xed\xa0\x80",
		"quotes":    `'"\` + "`; -- %s ? $1 :a @b",
		"spaces":    " \t\r\n ",
		"escapes":   `\x00 \\ \000`,
	}
	t.put(s, want)
	t.expect(s, want)
}
