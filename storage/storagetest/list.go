package storagetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func listCases() []testCase {
	return []testCase{
		{"ListIsInByteOrder", listIsInByteOrder},
		{"ListTakesAPrefixAsPlainBytes", listTakesAPrefixAsPlainBytes},
		{"ListEndsWithThePrefix", listEndsWithThePrefix},
		{"ListStartsGreaterThanAfter", listStartsGreaterThanAfter},
		{"ListStopsAtLimit", listStopsAtLimit},
		{"ListPagesToTheEnd", listPagesToTheEnd},
	}
}

// awkward are keys that collations, patterns and path rules treat specially,
// side by side with those that they would be mixed up with.
var awkward = []string{
	"a", "a-", "a-b", "a.", "a..b", "a/", "a/b", "a/b/c", "a0", "a10", "a2", "aB", "aa", "ab", "a_", "a_b", "axb", "axxb",
	"a%", "a%b", "a*b", "a?b", "a[", "a[b", "a[b]", "a[x]b", "a[^c]b", "a]b", "a^b", "a{b", "a|b", "a}b", "a~", "a~~", "a~b",
	`a\`, `a\b`, `a\%b`, `a\\b`, "a'", "a'b", "a''b", `a"b`, "a`b", "a;b", "a--b", "a#b", "a$1", "a&b", "a+b", "a,b", "a:b", "a=b", "a<b", "a>b", "a@b", "a!b", "a(b)",
	"A", "A-", "A/b", "AB", "Ab", "B", "b", "b-a", "z", "Z", "0", "00", "10", "2", "9", "_", "-", "--", ".", "..", "/", "//", "%", "*", "?", "[", "]", "^", "'", `"`, `\`, "!", "~", "~a", "~~",
}

func (t *trial) putAwkward(s storage.Store) []string {
	t.Helper()
	write := pairs{}
	for _, key := range awkward {
		write[key] = "value of " + key
	}
	t.put(s, write)
	return slices.Sorted(maps.Keys(write))
}

func listIsInByteOrder(t *trial) {
	s := t.open()
	want := t.putAwkward(s)
	t.expectKeys("List of awkward keys", t.list(s, "", "", storage.MaxList), want...)

	alphabet := pairs{}
	for c := byte('!'); c <= '~'; c++ {
		alphabet["k"+string(c)] = ""
		alphabet["k"+string(c)+"k"] = ""
	}
	t.put(s, alphabet)
	t.expectKeys("List of the alphabet", t.list(s, "k", "", storage.MaxList), slices.Sorted(maps.Keys(alphabet))...)
}

func listTakesAPrefixAsPlainBytes(t *trial) {
	s := t.open()
	stored := t.putAwkward(s)
	for _, prefix := range stored {
		want := below(stored, prefix, "", len(stored))
		t.expectKeys(fmt.Sprintf("List(%q)", prefix), t.list(s, prefix, "", storage.MaxList), want...)
	}
	for _, prefix := range []string{"A%", "a_c", "a.b", "a/c", "zz", "c", "a/b/c/d", "~~~"} {
		t.expectKeys(fmt.Sprintf("List(%q)", prefix), t.list(s, prefix, "", storage.MaxList))
	}
}

// listEndsWithThePrefix is about the upper bound, which drivers make out of
// the prefix: '~' is the last character of the alphabet.
func listEndsWithThePrefix(t *trial) {
	s := t.open()
	stored := []string{"p", "p!", "p~", "p~~", "p~~~z", "q", "o~", "~", "~~", "~~~", "P~"}
	write := pairs{}
	for _, key := range stored {
		write[key] = ""
	}
	t.put(s, write)
	slices.Sort(stored)
	for _, prefix := range []string{"", "p", "p~", "p~~", "p~~~", "o", "~", "~~", "~~~", "~~~~"} {
		want := below(stored, prefix, "", len(stored))
		t.expectKeys(fmt.Sprintf("List(%q)", prefix), t.list(s, prefix, "", storage.MaxList), want...)
	}
}

func listStartsGreaterThanAfter(t *trial) {
	s := t.open()
	stored := t.putAwkward(s)
	afters := append([]string{"a/bb", "a/b/", "c", "~~~", "!!", "a!"}, stored...)
	for _, prefix := range []string{"", "a/", "a", "b"} {
		for _, after := range afters {
			want := below(stored, prefix, after, len(stored))
			t.expectKeys(fmt.Sprintf("List(%q, %q)", prefix, after), t.list(s, prefix, after, storage.MaxList), want...)
		}
	}
}

func listStopsAtLimit(t *trial) {
	s := t.open()
	t.expectKeys("List of empty data", t.list(s, "", "", 1))
	t.put(s, pairs{"a/1": "", "a/2": "", "a/3": "", "b/1": ""})
	stored := []string{"a/1", "a/2", "a/3", "b/1"}
	for _, prefix := range []string{"", "a/", "b/", "c/"} {
		for limit := 1; limit <= len(stored)+1; limit++ {
			want := below(stored, prefix, "", limit)
			t.expectKeys(fmt.Sprintf("List(%q) limit %d", prefix, limit), t.list(s, prefix, "", limit), want...)
		}
	}
	t.remove(s, "a/2")
	t.expectKeys("List after a delete", t.list(s, "a/", "", 2), "a/1", "a/3")
}

// listPagesToTheEnd reads fewer entries than limit as the end, as callers do.
func listPagesToTheEnd(t *trial) {
	s := t.open()
	write := pairs{"a": "", "page": "", "pagf": ""}
	var want []string
	for i := range 60 {
		key := fmt.Sprintf("page/%d", i)
		write[key] = ""
		want = append(want, key)
	}
	t.put(s, write)
	slices.Sort(want)
	for _, limit := range []int{1, 7, 59, 60, 61, storage.MaxList} {
		var got []string
		after := ""
		for {
			page := keysOf(t.list(s, "page/", after, limit))
			got = append(got, page...)
			if len(page) < limit || len(got) > len(want) {
				break
			}
			after = page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %d keys %q, want %d", limit, len(got), got, len(want))
		}
	}
}

// below is what List should find among sorted keys.
func below(sorted []string, prefix, after string, limit int) []string {
	var found []string
	for _, key := range sorted {
		if strings.HasPrefix(key, prefix) && key > after && len(found) < limit {
			found = append(found, key)
		}
	}
	return found
}
