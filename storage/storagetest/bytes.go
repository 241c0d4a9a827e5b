package storagetest

import (
	"fmt"
	"slices"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func bytesCases() []testCase {
	return []testCase{
		{"BytesOfACommitAreCopied", bytesOfACommitAreCopied},
		{"BytesOfGetAreCopied", bytesOfGetAreCopied},
		{"BytesOfListAreCopied", bytesOfListAreCopied},
		{"ArgumentsAreLeftAsTheyAre", argumentsAreLeftAsTheyAre},
	}
}

func bytesOfACommitAreCopied(t *trial) {
	s := t.open()
	b := storage.Batch{
		Checks:  []storage.Check{{Key: "a"}, {Key: "b"}},
		Puts:    []storage.Put{{Key: "a", Value: []byte("value of a")}, {Key: "b", Value: []byte("value of b")}},
		Deletes: []string{"c"},
	}
	t.commit(s, b)
	scribble(b.Puts[0].Value)
	b.Puts[1] = storage.Put{Key: "x", Value: []byte("y")}
	b.Checks[0] = storage.Check{Key: "x", Version: 7}
	b.Deletes[0] = "a"
	t.expect(s, pairs{"a": "value of a", "b": "value of b"})
	t.expect(t.open(), pairs{"a": "value of a", "b": "value of b"})
}

func bytesOfGetAreCopied(t *trial) {
	s := t.open()
	bytesAreCopied(t, s, func() []storage.Entry { return t.get(s, "a", "b", "a", "c") })
}

func bytesOfListAreCopied(t *trial) {
	s := t.open()
	bytesAreCopied(t, s, func() []storage.Entry { return t.list(s, "", "", 10) })
}

// bytesAreCopied writes over each answer to its full capacity: neither the
// other answers nor what is stored may change.
func bytesAreCopied(t *trial, s storage.Store, read func() []storage.Entry) {
	t.Helper()
	want := pairs{"a": "value of a", "b": "value of b", "c": ""}
	t.put(s, want)
	earlier, entries := read(), read()
	for i, e := range entries {
		if string(e.Value) != want[e.Key] {
			t.Errorf("%q is %q after the bytes of the entry before it were changed", e.Key, e.Value)
		}
		scribble(e.Value)
		entries[i].Key, entries[i].Version = "x", 7
	}
	for _, e := range append(earlier, read()...) {
		if string(e.Value) != want[e.Key] {
			t.Errorf("%q is %q after the bytes of another answer were changed", e.Key, e.Value)
		}
	}
	t.expect(s, want)
}

func scribble(value []byte) {
	value = value[:cap(value)]
	for i := range value {
		value[i] = '#'
	}
}

// argumentsAreLeftAsTheyAre hands over what a driver may want to sort.
func argumentsAreLeftAsTheyAre(t *trial) {
	s := t.open()
	b := storage.Batch{
		Checks:  []storage.Check{{Key: "z"}, {Key: "a"}, {Key: "m"}},
		Puts:    []storage.Put{{Key: "z", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "m", Value: []byte("3")}},
		Deletes: []string{"y", "b", "n"},
	}
	before := fmt.Sprint(b)
	t.commit(s, b)
	if after := fmt.Sprint(b); after != before {
		t.Errorf("Commit changed its batch:\nbefore %s\n after %s", before, after)
	}

	asked := []string{"z", "a", "m", "a"}
	keys := slices.Clone(asked)
	t.get(s, keys...)
	prefixes := slices.Clone(asked)
	if _, err := s.Changes(t.Context(), prefixes...); err != nil {
		t.Fatalf("Changes: %v", err)
	}
	if !slices.Equal(keys, asked) {
		t.Errorf("Get changed its keys: %q, were %q", keys, asked)
	}
	if !slices.Equal(prefixes, asked) {
		t.Errorf("Changes changed its prefixes: %q, were %q", prefixes, asked)
	}
}
