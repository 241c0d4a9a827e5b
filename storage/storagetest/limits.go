package storagetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func limitCases() []testCase {
	return []testCase{
		{"LimitAcceptsTheLargestEntry", acceptsTheLargestEntry},
		{"LimitAcceptsTheLargestBatch", acceptsTheLargestBatch},
		{"LimitAcceptsTheLongestKey", acceptsTheLongestKey},
		{"LimitAcceptsTheLargestGet", acceptsTheLargestGet},
		{"LimitAcceptsTheLargestPage", acceptsTheLargestPage},
		{"LimitAcceptsAnAnswerOfManyLargeEntries", acceptsAnAnswerOfManyLargeEntries},
	}
}

// long returns a key of the greatest length, whose number comes last, so that
// a shortened one would meet the others.
func long(n int) string {
	number := fmt.Sprintf("/%05d", n)
	return strings.Repeat("k", storage.MaxKey-len(number)) + number
}

func filled(size int) string {
	return strings.Repeat("v", size)
}

func acceptsTheLargestEntry(t *trial) {
	s := t.open()
	want := pairs{"a": filled(storage.MaxEntry - 1)}
	t.put(s, want)
	t.expect(s, want)
	want[long(0)] = filled(storage.MaxEntry - storage.MaxKey)
	t.put(s, pairs{long(0): want[long(0)]})
	t.expect(s, want)
}

func acceptsTheLargestBatch(t *trial) {
	s := t.open()
	var full storage.Batch
	want := pairs{}
	for i := range storage.MaxWrites {
		value := filled(storage.MaxBatch/storage.MaxWrites - storage.MaxKey)
		if i == 0 {
			value += filled(storage.MaxBatch % storage.MaxWrites)
		}
		want[long(i)] = value
		full.Puts = append(full.Puts, storage.Put{Key: long(i), Value: []byte(value)})
	}
	for i := range storage.MaxChecks {
		full.Checks = append(full.Checks, storage.Check{Key: long(1000 + i)})
	}
	t.commit(s, full)
	t.expect(s, want)

	keys := slices.Sorted(maps.Keys(want))
	half := storage.Batch{Checks: t.checks(s, keys...), Deletes: keys[:storage.MaxWrites/2]}
	for _, key := range keys[storage.MaxWrites/2:] {
		want[key] = "replaced"
		half.Puts = append(half.Puts, storage.Put{Key: key, Value: []byte("replaced")})
	}
	for _, key := range half.Deletes {
		delete(want, key)
	}
	t.commit(s, half)
	t.expect(s, want)
}

func acceptsTheLongestKey(t *trial) {
	s := t.open()
	changes, err := s.Changes(t.Context(), long(1), long(2))
	if err != nil {
		t.Fatalf("Changes: %v", err)
	}
	t.put(s, pairs{long(1): "1", long(2): "2", long(3): "3"})
	t.expectKeys("Get", t.get(s, long(3), long(1)), long(3), long(1))
	t.expectKeys("List of a prefix as long as the key", t.list(s, long(2), "", 10), long(2))
	t.expectKeys("List after a key as long", t.list(s, "k", long(1), 10), long(2), long(3))
	t.expectKeys("List after the last", t.list(s, long(3), long(3), 10))
	t.signalled(changes)
	t.remove(s, long(2))
	t.expectKeys("Get after a delete", t.get(s, long(1), long(2), long(3)), long(1), long(3))
}

func acceptsTheLargestGet(t *trial) {
	s := t.open()
	write := pairs{}
	for i := range storage.MaxWrites {
		write[long(i*97)] = fmt.Sprint(i)
	}
	t.put(s, write)
	var asked, want []string
	for i := storage.MaxGet - 1; i >= 0; i-- {
		asked = append(asked, long(i))
		if _, ok := write[long(i)]; ok {
			want = append(want, long(i))
		}
	}
	t.expectKeys("Get of mostly absent keys", t.get(s, asked...), want...)

	asked = slices.Repeat(want, storage.MaxGet/len(want))
	got := t.get(s, asked...)
	if len(got) != storage.MaxGet || !slices.Equal(keysOf(got), asked) {
		t.Errorf("Get of %d keys that are there: got %d, or not in the order asked", len(asked), len(got))
	}
}

func acceptsTheLargestPage(t *trial) {
	s := t.open()
	write := pairs{}
	for i := range storage.MaxList + 1 {
		write[fmt.Sprintf("page/%04d", i)] = ""
	}
	t.put(s, write)
	sorted := slices.Sorted(maps.Keys(write))
	first := t.list(s, "page/", "", storage.MaxList)
	t.expectKeys("the first page", first, sorted[:storage.MaxList]...)
	t.expectKeys("the last page", t.list(s, "page/", sorted[storage.MaxList-1], storage.MaxList), sorted[storage.MaxList])
}

// acceptsAnAnswerOfManyLargeEntries is for transports that limit the size of
// an answer, at 4 MiB by default in gRPC.
func acceptsAnAnswerOfManyLargeEntries(t *trial) {
	s := t.open()
	want := pairs{}
	for i := range 6 {
		want[fmt.Sprint(i)] = filled(storage.MaxEntry - 1)
		t.put(s, pairs{fmt.Sprint(i): want[fmt.Sprint(i)]})
	}
	t.expect(s, want)
	t.expectKeys("Get", t.get(s, "5", "4", "3", "2", "1", "0"), "5", "4", "3", "2", "1", "0")
}
