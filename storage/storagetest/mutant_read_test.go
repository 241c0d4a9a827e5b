package storagetest_test

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// asked changes the keys of Get, answered its answer.
func asked(change func(keys []string) []string) connector {
	return hook(func(s storage.Store) hooks {
		return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			return s.Get(ctx, change(slices.Clone(keys))...)
		}}
	})
}

func answered(change func(keys []string, found []storage.Entry) []storage.Entry) connector {
	return hook(func(s storage.Store) hooks {
		return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
			found, err := s.Get(ctx, keys...)
			if err != nil {
				return nil, err
			}
			return change(keys, found), nil
		}}
	})
}

// stored changes what is put.
func stored(change func(value []byte) []byte) connector {
	return written(func(_ context.Context, _ storage.Store, b *storage.Batch) error {
		b.Puts = slices.Clone(b.Puts)
		for i := range b.Puts {
			b.Puts[i].Value = change(b.Puts[i].Value)
		}
		return nil
	})
}

func readMutants() []mutant {
	return []mutant{
		{"an absent key is an empty entry", []string{"GetLeavesAbsentKeysOut"}, answered(withAbsent)},
		{"Get answers in key order", []string{"GetAnswersInTheOrderAsked"},
			asked(func(keys []string) []string { return slices.Sorted(slices.Values(keys)) })},
		{"Get answers a key once", []string{"GetAnswersAKeyAskedTwiceTwice"}, answered(once)},
		{"Get of no keys is everything", []string{"GetOfNoKeysFindsNothing"}, hook(everythingForNothing)},
		{"Get ignores case", []string{"GetComparesKeysAsBytes"},
			asked(func(keys []string) []string { return strings.Split(strings.ToLower(strings.Join(keys, " ")), " ") })},
		{"List answers with versions of its own", []string{"GetAndListAgree", "RandomOperationsAgreeWithAModel"}, hook(otherVersions)},
		{"an empty value is absent", []string{"EmptyValueIsNotAbsent"}, written(emptyDeletes)},
		{"a value ends at its first NUL", []string{"ValuesHoldEveryByte"},
			stored(func(value []byte) []byte { before, _, _ := bytes.Cut(value, []byte{0}); return before })},
		{"a value is UTF-8", []string{"ValuesHoldEveryByte"},
			stored(func(value []byte) []byte { return bytes.ToValidUTF8(value, []byte("?")) })},
		{"a value loses its trailing space", []string{"ValuesHoldEveryByte"}, stored(bytes.TrimSpace)},
	}
}

func withAbsent(keys []string, found []storage.Entry) []storage.Entry {
	all := make([]storage.Entry, 0, len(keys))
	for _, key := range keys {
		if len(found) > 0 && found[0].Key == key {
			all, found = append(all, found[0]), found[1:]
		} else {
			all = append(all, storage.Entry{Key: key})
		}
	}
	return all
}

func once(_ []string, found []storage.Entry) []storage.Entry {
	seen := map[string]bool{}
	return slices.DeleteFunc(found, func(e storage.Entry) bool {
		again := seen[e.Key]
		seen[e.Key] = true
		return again
	})
}

func everythingForNothing(s storage.Store) hooks {
	return hooks{get: func(ctx context.Context, keys ...string) ([]storage.Entry, error) {
		if len(keys) == 0 {
			return s.List(ctx, "", "", storage.MaxList)
		}
		return s.Get(ctx, keys...)
	}}
}

func otherVersions(s storage.Store) hooks {
	return hooks{list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
		found, err := s.List(ctx, prefix, after, limit)
		for i := range found {
			found[i].Version++
		}
		return found, err
	}}
}

func emptyDeletes(_ context.Context, _ storage.Store, b *storage.Batch) error {
	var puts []storage.Put
	for _, put := range b.Puts {
		if len(put.Value) == 0 {
			b.Deletes = append(slices.Clip(b.Deletes), put.Key)
		} else {
			puts = append(puts, put)
		}
	}
	b.Puts = puts
	return nil
}

// A query is a List with rules of its own.
type query struct {
	match   func(key, prefix string) bool
	greater func(key, after string) bool
	compare func(a, b string) int
	extra   int // entries beyond limit
	most    int // entries in a page, 0 for no bound
}

func (q query) connect() connector {
	if q.match == nil {
		q.match = strings.HasPrefix
	}
	if q.greater == nil {
		q.greater = func(key, after string) bool { return key > after }
	}
	if q.compare == nil {
		q.compare = strings.Compare
	}
	return hook(func(s storage.Store) hooks {
		return hooks{list: func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
			all, err := s.List(ctx, "", "", 10*storage.MaxList)
			all = slices.DeleteFunc(all, func(e storage.Entry) bool { return !q.match(e.Key, prefix) || !q.greater(e.Key, after) })
			slices.SortStableFunc(all, func(a, b storage.Entry) int { return q.compare(a.Key, b.Key) })
			if q.most > 0 {
				limit = min(limit, q.most)
			}
			return all[:max(0, min(len(all), limit+q.extra))], err
		}}
	})
}

func listMutants() []mutant {
	return []mutant{
		{"List ignores case in its order", []string{"ListIsInByteOrder"},
			query{compare: func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }}.connect()},
		{"List ignores punctuation in its order", []string{"ListIsInByteOrder"},
			query{compare: func(a, b string) int { return strings.Compare(letters(a), letters(b)) }}.connect()},
		{"List puts short keys first", []string{"ListIsInByteOrder", "ListPagesToTheEnd", "RandomOperationsAgreeWithAModel"},
			query{compare: func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }}.connect()},
		{"List ignores case in its prefix", []string{"ListTakesAPrefixAsPlainBytes"},
			query{match: func(key, prefix string) bool {
				return strings.HasPrefix(strings.ToLower(key), strings.ToLower(prefix))
			}}.connect()},
		{"List takes its prefix for a LIKE pattern", []string{"ListTakesAPrefixAsPlainBytes"}, query{match: like}.connect()},
		{"List takes its prefix for a GLOB pattern", []string{"ListTakesAPrefixAsPlainBytes"}, query{match: glob}.connect()},
		{"List leaves the prefix itself out", []string{"ListTakesAPrefixAsPlainBytes", "LimitAcceptsTheLongestKey"},
			query{match: func(key, prefix string) bool { return strings.HasPrefix(key, prefix) && key != prefix }}.connect()},
		{"List ends below prefix and ~", []string{"ListEndsWithThePrefix"},
			query{match: func(key, prefix string) bool { return key >= prefix && key < prefix+"~" }}.connect()},
		{"List ends at prefix and ~", []string{"ListEndsWithThePrefix"},
			query{match: func(key, prefix string) bool { return key >= prefix && key <= prefix+"~" }}.connect()},
		{"List forgets where the prefix ends", []string{"ListEndsWithThePrefix"},
			query{match: func(key, prefix string) bool { return key >= prefix }}.connect()},
		{"List starts with after", []string{"ListStartsGreaterThanAfter", "LimitAcceptsTheLongestKey"},
			query{greater: func(key, after string) bool { return key >= after }}.connect()},
		{"List skips what starts with after", []string{"ListStartsGreaterThanAfter"},
			query{greater: func(key, after string) bool {
				return key > after && (after == "" || !strings.HasPrefix(key, after))
			}}.connect()},
		{"List finds one more than limit", []string{"ListStopsAtLimit"}, query{extra: 1}.connect()},
		{"List finds one fewer than limit", []string{"ListStopsAtLimit", "ListPagesToTheEnd"}, query{extra: -1}.connect()},
	}
}

func letters(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_./~", r) {
			return -1
		}
		return r
	}, key)
}

func like(key, prefix string) bool {
	return glob(key, strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "%", "*", "_", "?").Replace(prefix))
}

// glob matches any beginning of the key, as a pattern with a final * does.
func glob(key, pattern string) bool {
	for end := range len(key) + 1 {
		if ok, err := path.Match(pattern, key[:end]); ok && err == nil {
			return true
		}
	}
	return false
}
