package storagetest

import (
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func sharingCases() []testCase {
	return []testCase{
		{"SharedDataShowsACommitAtOnce", showsACommitAtOnce},
		{"SharedDataOutlivesClose", outlivesClose},
		{"SharedDataOutlivesTheOtherStore", outlivesTheOtherStore},
	}
}

// showsACommitAtOnce has both Stores read before each commit, so that one
// which remembers what it read is found out.
func showsACommitAtOnce(t *trial) {
	stores := []storage.Store{t.open(), t.open(), t.open()}
	for i := range t.rounds(20) {
		writer, reader := stores[i%3], stores[(i+1)%3]
		t.get(reader, "a", "b")
		t.list(reader, "", "", 10)
		value := fmt.Sprint(i)
		version := t.put1(writer, "a", value)
		want := storage.Entry{Key: "a", Value: []byte(value), Version: version}
		t.expectEntries("Get of another Store", t.get(reader, "a", "b"), want)
		t.expectEntries("List of another Store", t.list(reader, "", "", 10), want)
		t.commit(reader, storage.Batch{
			Checks: []storage.Check{{Key: "a", Version: version}},
			Puts:   []storage.Put{{Key: "b"}},
		})
		t.remove(writer, "b", "a")
		t.expectKeys("Get of what another Store deleted", t.get(reader, "a", "b"))
	}
}

func outlivesClose(t *trial) {
	s := t.open()
	want := pairs{}
	for i := range 10 {
		key := fmt.Sprintf("key/%d", i)
		want[key] = fmt.Sprintf("value %d", i)
		t.put(s, pairs{key: want[key]})
	}
	t.remove(s, "key/3")
	delete(want, "key/3")
	t.close(s)
	s = t.open()
	t.expect(s, want)

	t.put(s, pairs{"key/4": "again"})
	want["key/4"] = "again"
	t.close(s)
	t.expect(t.open(), want)
}

func outlivesTheOtherStore(t *trial) {
	first := t.open()
	t.put(first, pairs{"a": "1"})
	second := t.open()
	t.put(second, pairs{"b": "2"})
	t.close(first)
	t.put(second, pairs{"c": "3"})
	t.expect(second, pairs{"a": "1", "b": "2", "c": "3"})
	t.close(second)
	t.expect(t.open(), pairs{"a": "1", "b": "2", "c": "3"})
}
