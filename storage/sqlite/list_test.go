package sqlite_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// Keys are printable ASCII above this package; the order of bytes holds for
// all of them.
func TestListOfAnyBytes(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), nil)
	batch := storage.Batch{Checks: []storage.Check{{Key: "none"}}}
	for _, key := range []string{"a", "a\xff", "a\xff\xff", "a\xff\xff0", "b", "\xff", "\xff\xff", "A", "a_c", "abc", "a%", "a\x000", "é"} {
		batch.Puts = append(batch.Puts, storage.Put{Key: key})
	}
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string][]string{
		"a":        {"a", "a\x000", "a%", "a_c", "abc", "a\xff", "a\xff\xff", "a\xff\xff0"},
		"a_":       {"a_c"},
		"a\xff":    {"a\xff", "a\xff\xff", "a\xff\xff0"},
		"\xff":     {"\xff", "\xff\xff"},
		"\xff\xff": {"\xff\xff"},
		"\xc3":     {"é"},
		"c":        nil,
	} {
		found, err := s.List(t.Context(), prefix, "", storage.MaxList)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found {
			got = append(got, e.Key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("prefix %q (-want +got):\n%s", prefix, diff)
		}
	}
	if all, err := s.List(t.Context(), "", "", storage.MaxList); err != nil || len(all) != len(batch.Puts) {
		t.Errorf("%d entries of %d, %v", len(all), len(batch.Puts), err)
	}
}
