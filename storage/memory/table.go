package memory

import (
	"slices"
	"sort"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// chunkSize bounds how many keys an insertion moves. At 100,000 keys the list
// of chunks is about as long as a chunk, which is where the sum is smallest.
const chunkSize = 512

// A table is an ordered map. The keys lie in sorted chunks, so that a bulk
// load in any order does not move all keys at each insertion.
type table struct {
	entries map[string]storage.Entry
	chunks  [][]string // each sorted, never empty, and below the next one
}

func newTable() table {
	return table{entries: map[string]storage.Entry{}}
}

// holds relies on the zero Version of an absent entry, which is what a Check
// for absence asks for.
func (t *table) holds(checks []storage.Check) bool {
	for _, c := range checks {
		if t.entries[c.Key].Version != c.Version {
			return false
		}
	}
	return true
}

func (t *table) get(keys []string) []storage.Entry {
	found := make([]storage.Entry, 0, len(keys))
	for _, key := range keys {
		if e, ok := t.entries[key]; ok {
			found = append(found, e)
		}
	}
	return found
}

// list relies on the keys under a prefix lying side by side.
func (t *table) list(prefix, after string, limit int) []storage.Entry {
	var found []storage.Entry
	chunk, at := t.find(max(prefix, after))
	for ; chunk < len(t.chunks); chunk, at = chunk+1, 0 {
		for _, key := range t.chunks[chunk][at:] {
			if key == after {
				continue
			}
			if len(found) == limit || !strings.HasPrefix(key, prefix) {
				return found
			}
			found = append(found, t.entries[key])
		}
	}
	return found
}

func (t *table) put(e storage.Entry) {
	if _, ok := t.entries[e.Key]; !ok {
		t.insert(e.Key)
	}
	t.entries[e.Key] = e
}

func (t *table) delete(key string) {
	if _, ok := t.entries[key]; !ok {
		return
	}
	delete(t.entries, key)
	chunk, at := t.find(key)
	t.chunks[chunk] = slices.Delete(t.chunks[chunk], at, at+1)
	if len(t.chunks[chunk]) == 0 {
		t.chunks = slices.Delete(t.chunks, chunk, chunk+1)
	}
}

// find returns the place of the first key that is not below key.
func (t *table) find(key string) (chunk, at int) {
	chunk = sort.Search(len(t.chunks), func(i int) bool {
		return t.chunks[i][len(t.chunks[i])-1] >= key
	})
	if chunk < len(t.chunks) {
		at, _ = slices.BinarySearch(t.chunks[chunk], key)
	}
	return chunk, at
}

func (t *table) insert(key string) {
	if len(t.chunks) == 0 {
		t.chunks = [][]string{{key}}
		return
	}
	chunk, at := t.find(key)
	if last := len(t.chunks) - 1; chunk > last {
		chunk, at = last, len(t.chunks[last])
	}
	t.chunks[chunk] = slices.Insert(t.chunks[chunk], at, key)
	if keys := t.chunks[chunk]; len(keys) > chunkSize {
		half := len(keys) / 2
		t.chunks[chunk] = keys[:half] // grows over the upper half, hence the clone
		t.chunks = slices.Insert(t.chunks, chunk+1, slices.Clone(keys[half:]))
	}
}
