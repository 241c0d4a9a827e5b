package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A spy is a driver that only remembers what reached it.
type spy struct {
	calls  []string
	closed bool
}

var errSpy = errors.New("the driver's own error")

func (s *spy) Get(_ context.Context, keys ...string) ([]storage.Entry, error) {
	s.calls = append(s.calls, fmt.Sprintf("get %d", len(keys)))
	return []storage.Entry{{Key: "found", Version: 1}}, errSpy
}

func (s *spy) List(_ context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	s.calls = append(s.calls, fmt.Sprintf("list %d %d %d", len(prefix), len(after), limit))
	return []storage.Entry{{Key: "listed", Version: 2}}, errSpy
}

func (s *spy) Commit(_ context.Context, b storage.Batch) error {
	s.calls = append(s.calls, fmt.Sprintf("commit %d %d %d", len(b.Checks), len(b.Puts), len(b.Deletes)))
	return errSpy
}

func (s *spy) Changes(_ context.Context, prefixes ...string) (<-chan struct{}, error) {
	s.calls = append(s.calls, fmt.Sprintf("changes %d", len(prefixes)))
	return make(chan struct{}), errSpy
}

func (s *spy) Close() error {
	s.closed = true
	return errSpy
}

// alphabet is every byte that a key may have.
func alphabet() string {
	var b strings.Builder
	for c := '!'; c <= '~'; c++ {
		b.WriteRune(c)
	}
	return b.String()
}

var longest = strings.Repeat("k", storage.MaxKey)

func keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%06d", i)
	}
	return all
}

func checks(n int) []storage.Check {
	all := make([]storage.Check, n)
	for i, key := range keys(n) {
		all[i].Key = key
	}
	return all
}

func puts(n int) []storage.Put {
	all := make([]storage.Put, n)
	for i, key := range keys(n) {
		all[i].Key = key
	}
	return all
}

// sized is a put of that many bytes, key and value together.
func sized(key string, bytes int) storage.Put {
	return storage.Put{Key: key, Value: make([]byte, bytes-len(key))}
}

type call = func(context.Context, storage.Store) error

func get(keys ...string) call {
	return func(ctx context.Context, s storage.Store) error { _, err := s.Get(ctx, keys...); return err }
}

func list(prefix, after string, limit int) call {
	return func(ctx context.Context, s storage.Store) error {
		_, err := s.List(ctx, prefix, after, limit)
		return err
	}
}

func commit(b storage.Batch) call {
	return func(ctx context.Context, s storage.Store) error { return s.Commit(ctx, b) }
}

func changes(prefixes ...string) call {
	return func(ctx context.Context, s storage.Store) error { _, err := s.Changes(ctx, prefixes...); return err }
}

func TestLimitPassesWhatIsWithinTheLimits(t *testing.T) {
	t.Parallel()
	one := checks(1)
	for name, within := range map[string]struct {
		run  call
		want string
	}{
		"get of nothing":             {get(), "get 0"},
		"get of one":                 {get("k"), "get 1"},
		"get of the most":            {get(keys(storage.MaxGet)...), "get 10000"},
		"get of a key twice":         {get("k", "k"), "get 2"},
		"get of the longest key":     {get(longest), "get 1"},
		"get of every character":     {get(alphabet()), "get 1"},
		"list of one":                {list("", "", 1), "list 0 0 1"},
		"list of the most":           {list("", "", storage.MaxList), "list 0 0 1000"},
		"list of the longest prefix": {list(longest, longest, 1), "list 512 512 1"},
		"list after an odd key":      {list("a/", "a/\x00"+longest, 1), "list 2 515 1"},
		"commit of an odd delete":    {commit(storage.Batch{Checks: one, Deletes: []string{"a/\x00" + longest}}), "commit 1 0 1"},
		"list of every character":    {list(alphabet(), alphabet(), 1), "list 94 94 1"},
		"commit of a check":          {commit(storage.Batch{Checks: one}), "commit 1 0 0"},
		"commit of the most checks":  {commit(storage.Batch{Checks: checks(storage.MaxChecks)}), "commit 100 0 0"},
		"commit of the most puts":    {commit(storage.Batch{Checks: one, Puts: puts(storage.MaxWrites)}), "commit 1 100 0"},
		"commit of the most deletes": {commit(storage.Batch{Checks: one, Deletes: keys(storage.MaxWrites)}), "commit 1 0 100"},
		"commit of the most of both": {commit(storage.Batch{Checks: checks(storage.MaxChecks), Puts: puts(60), Deletes: keys(100)[60:]}), "commit 100 60 40"},
		"commit of the longest key":  {commit(storage.Batch{Checks: []storage.Check{{Key: longest}}, Puts: []storage.Put{{Key: longest}}}), "commit 1 1 0"},
		"commit of the largest entry": {commit(storage.Batch{
			Checks: []storage.Check{{Key: longest}}, Puts: []storage.Put{sized(longest, storage.MaxEntry)},
		}), "commit 1 1 0"},
		"commit of the largest batch": {commit(storage.Batch{
			Checks: one, Puts: []storage.Put{sized("a", storage.MaxBatch-1000), sized("b", 999)}, Deletes: []string{"c"},
		}), "commit 1 2 1"},
		"commit of a check beside a write": {commit(storage.Batch{
			Checks: checks(2), Puts: puts(1), Deletes: keys(2)[1:],
		}), "commit 2 1 1"},
		"changes of everything":         {changes(), "changes 0"},
		"changes of an empty prefix":    {changes(""), "changes 1"},
		"changes of the longest prefix": {changes("a/", longest, alphabet()), "changes 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver := &spy{}
			if err := within.run(t.Context(), storage.Limit(driver)); !errors.Is(err, errSpy) {
				t.Errorf("got %v, want what the driver answers", err)
			}
			if diff := cmp.Diff([]string{within.want}, driver.calls); diff != "" {
				t.Errorf("calls of the driver (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitRefusesWhatIsBeyondTheLimits(t *testing.T) {
	t.Parallel()
	one := checks(1)
	for name, beyond := range map[string]call{
		"get of one more":              get(keys(storage.MaxGet + 1)...),
		"get of an empty key":          get("k", ""),
		"get of a longer key":          get("k", longest+"k"),
		"list of none":                 list("", "", 0),
		"list of fewer than none":      list("", "", -1),
		"list of one more":             list("", "", storage.MaxList+1),
		"list of a longer prefix":      list(longest+"k", "", 1),
		"commit without a check":       commit(storage.Batch{Puts: puts(1)}),
		"commit of nothing":            commit(storage.Batch{}),
		"commit of one check more":     commit(storage.Batch{Checks: checks(storage.MaxChecks + 1)}),
		"commit of one put more":       commit(storage.Batch{Checks: one, Puts: puts(storage.MaxWrites + 1)}),
		"commit of one delete more":    commit(storage.Batch{Checks: one, Deletes: keys(storage.MaxWrites + 1)}),
		"commit of one more of both":   commit(storage.Batch{Checks: one, Puts: puts(60), Deletes: keys(101)[60:]}),
		"commit of a larger entry":     commit(storage.Batch{Checks: one, Puts: []storage.Put{sized("a", storage.MaxEntry+1)}}),
		"commit of a larger batch":     commit(storage.Batch{Checks: one, Puts: []storage.Put{sized("a", storage.MaxBatch-1000), sized("b", 1000)}, Deletes: []string{"c"}}),
		"commit of a check twice":      commit(storage.Batch{Checks: append(checks(2), one...)}),
		"commit of a put twice":        commit(storage.Batch{Checks: one, Puts: append(puts(2), puts(1)...)}),
		"commit of a delete twice":     commit(storage.Batch{Checks: one, Deletes: append(keys(2), keys(1)...)}),
		"commit of a put and a delete": commit(storage.Batch{Checks: one, Puts: puts(2), Deletes: keys(1)}),
		"commit of an empty check":     commit(storage.Batch{Checks: []storage.Check{{}}}),
		"commit of an empty put":       commit(storage.Batch{Checks: one, Puts: []storage.Put{{}}}),
		"commit of an empty delete":    commit(storage.Batch{Checks: one, Deletes: []string{""}}),
		"commit of a longer check":     commit(storage.Batch{Checks: []storage.Check{{Key: longest + "k"}}}),
		"commit of a longer put":       commit(storage.Batch{Checks: one, Puts: []storage.Put{{Key: longest + "k"}}}),
		"changes of a longer prefix":   changes("a/", longest+"k"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuses(t, beyond)
		})
	}
}

func TestLimitRefusesEveryOtherByteInAKey(t *testing.T) {
	t.Parallel()
	one := checks(1)
	for c := range 256 {
		if c > ' ' && c <= '~' {
			continue
		}
		for _, key := range []string{string([]byte{byte(c)}), "a" + string([]byte{byte(c)}), string([]byte{byte(c)}) + "a"} {
			for _, run := range []call{
				get("k", key), list(key, "", 1), changes("a/", key),
				commit(storage.Batch{Checks: []storage.Check{{Key: key}}}),
				commit(storage.Batch{Checks: one, Puts: []storage.Put{{Key: key}}}),
			} {
				refuses(t, run)
			}
		}
	}
}

func refuses(t *testing.T, run call) {
	t.Helper()
	driver := &spy{}
	if err := run(t.Context(), storage.Limit(driver)); !errors.Is(err, storage.ErrLimit) {
		t.Errorf("got %v, want ErrLimit", err)
	}
	if len(driver.calls) > 0 {
		t.Errorf("the driver was called: %q", driver.calls)
	}
}

func TestLimitErrorsCarryNoValue(t *testing.T) {
	t.Parallel()
	const canary = "canary-in-a-value"
	value := []byte(strings.Repeat(canary, storage.MaxEntry/len(canary)+1))
	for _, b := range []storage.Batch{
		{Checks: checks(1), Puts: []storage.Put{{Key: "a", Value: value}}},
		{Checks: checks(1), Puts: []storage.Put{{Key: "a", Value: value[:storage.MaxBatch/2]}, {Key: "b", Value: value[:storage.MaxBatch/2]}}},
		{Checks: checks(1), Puts: []storage.Put{{Key: "a", Value: value[:100]}, {Key: "a", Value: value[:100]}}},
	} {
		err := storage.Limit(&spy{}).Commit(t.Context(), b)
		if !errors.Is(err, storage.ErrLimit) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("got %.200v, want ErrLimit without a value", err)
		}
	}
}

func TestLimitOfALimitedStoreIsTheSame(t *testing.T) {
	t.Parallel()
	once := storage.Limit(&spy{})
	if twice := storage.Limit(once); twice != once {
		t.Error("a limited Store was limited again")
	}
}

func TestLimitAnswersAsTheDriverDoes(t *testing.T) {
	t.Parallel()
	driver := &spy{}
	s := storage.Limit(driver)
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, errSpy) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.List(t.Context(), "", "", 1); !errors.Is(err, errSpy) {
		t.Errorf("List: %v", err)
	}
	if err := s.Close(); !errors.Is(err, errSpy) || !driver.closed {
		t.Errorf("Close: %v; the driver is closed: %v", err, driver.closed)
	}
}

// An answering store gives the same answer to every question.
type answering struct {
	storage.Store
	entries []storage.Entry
}

func (a answering) Get(context.Context, ...string) ([]storage.Entry, error) { return a.entries, nil }
func (a answering) List(context.Context, string, string, int) ([]storage.Entry, error) {
	return a.entries, nil
}

func TestLimitRefusesAnAnswerToAnotherQuestion(t *testing.T) {
	t.Parallel()
	entries := func(keys ...string) (all []storage.Entry) {
		for _, key := range keys {
			all = append(all, storage.Entry{Key: key, Version: 1})
		}
		return all
	}
	for _, c := range []struct {
		name      string
		entries   []storage.Entry
		get, list bool // whether it may answer Get of a/1, a/2, a/3 and List of two under a/ after a/0
	}{
		{"nothing", nil, true, true},
		{"one", entries("a/2"), true, true},
		{"several", entries("a/1", "a/3"), true, true},
		{"more", entries("a/1", "a/2", "a/3"), true, false},
		{"out of order", entries("a/3", "a/1"), false, false},
		{"twice", entries("a/1", "a/1"), false, false},
		{"others", entries("b/1"), false, false},
		{"before", entries("a/0"), false, false},
		{"odd", entries("a/1\x00"), false, true},
	} {
		s := storage.Limit(answering{entries: c.entries})
		if got, err := s.Get(t.Context(), "a/1", "a/2", "a/3"); (err == nil) != c.get || err == nil && len(got) != len(c.entries) {
			t.Errorf("Get, %s: %d entries, %v", c.name, len(got), err)
		}
		if got, err := s.List(t.Context(), "a/", "a/0", 2); (err == nil) != c.list || err == nil && len(got) != len(c.entries) {
			t.Errorf("List, %s: %d entries, %v", c.name, len(got), err)
		}
	}
}
