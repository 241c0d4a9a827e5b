package secrets_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A hostile store changes answers. It is for one goroutine.
type hostile struct {
	storage.Store
	get   func(found []storage.Entry) []storage.Entry
	list  func(limit int, page []storage.Entry) []storage.Entry
	calls int
}

// patience is how many calls a hostile store answers: many times what the calls
// of a test need, so that one that would go on for ever ends.
const patience = 200

var errPatience = errors.New("the engine goes on and on")

func (h *hostile) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if h.calls++; h.calls > patience {
		return nil, errPatience
	}
	found, err := h.Store.Get(ctx, keys...)
	if err != nil || h.get == nil {
		return found, err
	}
	return h.get(found), nil
}

func (h *hostile) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if h.calls++; h.calls > patience {
		return nil, errPatience
	}
	page, err := h.Store.List(ctx, prefix, after, limit)
	if err != nil || h.list == nil {
		return page, err
	}
	return h.list(limit, page), nil
}

// each returns an answer in which every entry is changed.
func each(change func(*storage.Entry)) func([]storage.Entry) []storage.Entry {
	return func(found []storage.Entry) []storage.Entry {
		for i := range found {
			change(&found[i])
		}
		return found
	}
}

// turned returns an answer in which each entry has something of the next one.
func turned(take func(to *storage.Entry, from storage.Entry)) func([]storage.Entry) []storage.Entry {
	return func(found []storage.Entry) []storage.Entry {
		out := slices.Clone(found)
		for i := range out {
			take(&out[i], found[(i+1)%len(found)])
		}
		return out
	}
}

func reversed(found []storage.Entry) []storage.Entry {
	slices.Reverse(found)
	return found
}

// hostileGets are answers of Get, made of the true one and of what was and is in
// the store.
func hostileGets(older, all []storage.Entry) map[string]func([]storage.Entry) []storage.Entry {
	before := func(found []storage.Entry) []storage.Entry {
		return slices.DeleteFunc(slices.Clone(older), func(o storage.Entry) bool {
			return !slices.ContainsFunc(found, func(e storage.Entry) bool { return e.Key == o.Key })
		})
	}
	return map[string]func([]storage.Entry) []storage.Entry{
		"nothing":      func([]storage.Entry) []storage.Entry { return nil },
		"reversed":     reversed,
		"twice":        func(found []storage.Entry) []storage.Entry { return append(found, found...) },
		"all before":   func(found []storage.Entry) []storage.Entry { return append(slices.Clone(all), found...) },
		"all after":    func(found []storage.Entry) []storage.Entry { return append(found, all...) },
		"older":        before,
		"older before": func(found []storage.Entry) []storage.Entry { return append(before(found), found...) },
		"older after":  func(found []storage.Entry) []storage.Entry { return append(found, before(found)...) },
		"last before": func(found []storage.Entry) []storage.Entry {
			return append(all[len(all)-1:len(all):len(all)], found...)
		},
		"rival before":   func(found []storage.Entry) []storage.Entry { return append(filter(all, "orgs/rival"), found...) },
		"others' values": turned(func(to *storage.Entry, from storage.Entry) { to.Value = from.Value }),
		"others' keys":   turned(func(to *storage.Entry, from storage.Entry) { to.Key = from.Key }),
		"version 0":      each(func(e *storage.Entry) { e.Version = 0 }),
		"no values":      each(func(e *storage.Entry) { e.Value = nil }),
		"huge values":    each(func(e *storage.Entry) { e.Value = append([]byte{1, 0}, make([]byte, 2<<20)...) }),
		"no keys":        each(func(e *storage.Entry) { e.Key = "" }),
	}
}

// hostileLists are answers of List.
func hostileLists(all []storage.Entry) map[string]func(int, []storage.Entry) []storage.Entry {
	change := func(f func([]storage.Entry) []storage.Entry) func(int, []storage.Entry) []storage.Entry {
		return func(_ int, page []storage.Entry) []storage.Entry { return f(page) }
	}
	return map[string]func(int, []storage.Entry) []storage.Entry{
		"nothing":     change(func([]storage.Entry) []storage.Entry { return nil }),
		"reversed":    change(func(page []storage.Entry) []storage.Entry { return reversed(append(page, all...)) }),
		"all":         change(func([]storage.Entry) []storage.Entry { return slices.Clone(all) }),
		"twice":       change(func(page []storage.Entry) []storage.Entry { return append(page, page...) }),
		"odd keys":    change(each(func(e *storage.Entry) { e.Key += "/../\x1b[2J" })),
		"same values": change(turned(func(to *storage.Entry, from storage.Entry) { to.Value = from.Value })),
		"a full page of the same": func(limit int, page []storage.Entry) []storage.Entry {
			for len(page) > 0 && len(page) < limit {
				page = append(page, page[0])
			}
			return page
		},
	}
}

// A store may answer what it likes: it can hide rows, but nobody is told anything
// that is not true, and everybody comes to an end.
func TestWhateverTheStoreAnswersIsTrueOrRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	rival := get(t)(f.client.CreateOrganization(t.Context(), "rival"))
	getService(t)(rival.CreateService(t.Context(), "api"))
	if _, err := rival.CreateSecret(t.Context(), "a", text("of the rival")); err != nil {
		t.Fatal(err)
	}
	older := entries(t, f.store, "")
	f.give(t, "a", "two")
	truth := f.answers(t, token)
	all := entries(t, f.store, "")

	stores := map[string]*hostile{"as it is": {Store: f.store}}
	for what, get := range hostileGets(older, all) {
		stores["Get: "+what] = &hostile{Store: f.store, get: get}
	}
	for what, list := range hostileLists(all) {
		stores["List: "+what] = &hostile{Store: f.store, list: list}
	}
	for what, store := range stores {
		c := &fixture{store: store, root: f.root}
		c.client = c.open(t, store)
		for about, got := range c.answers(t, token) {
			hidden := got == answerGone || got == "[]"
			if got != truth[about] && !hidden && got != answerRefused && !strings.Contains(got, notAsked) {
				t.Errorf("%s: %s: %s, want %s", what, about, got, truth[about])
			}
			if what == "as it is" && got != truth[about] {
				t.Errorf("%s: %s, want %s", about, got, truth[about])
			}
		}
		if _, err := c.client.Organization(t.Context(), "nobody"); err == nil {
			t.Errorf("%s: an organization that does not exist opens", what)
		}
		if store.calls > patience {
			t.Errorf("%s: more than %d calls", what, patience)
		}
	}
}

// notAsked is what storage.Limit says of an answer to another question.
const notAsked = "the store answered with entries that were not asked for, or out of order"

// A store that ignores where a page is to begin gives the same one for ever.
func TestNoCallFollowsAListingThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range names("secret", 130) { // more than a page
		f.give(t, name, "v")
	}
	for _, name := range names("entry", 130) {
		get(t)(f.client.CreateOrganization(t.Context(), name))
		getService(t)(f.org.CreateService(t.Context(), name))
	}
	token := f.token(t)
	h := &hostile{Store: from0{f.store}}
	client := f.open(t, h)
	org := get(t)(client.Organization(t.Context(), "acme"))
	api := getService(t)(org.Service(t.Context(), "api"))
	session, err := secrets.Connect(t.Context(), h, token)
	if err != nil {
		t.Fatal(err)
	}
	calls := append(listCalls(client, org), tokenCalls(api, token.ID())...)
	calls = append(calls, call{secrets.Error{Op: "session"}, false, func(ctx context.Context) error { return failure(session.Environment(ctx)) }})
	calls = append(calls, serviceCalls(org, "api")[2])
	calls = append(calls, keyCalls(org, keyIDs(t, f.org)[0])[:2]...)
	calls = append(calls, rootCalls(client, newRoot(t))[1])
	for _, c := range calls {
		h.calls = 0
		err := c.do(t.Context())
		if c.at.Op == "issue token" || c.at.Op == "list tokens" {
			continue // they list nothing
		}
		if err == nil || !strings.Contains(err.Error(), notAsked) || h.calls > 40 {
			t.Errorf("%s: %d calls, %v", c.at.Op, h.calls, err)
		}
	}
}

// from0 begins every page at the first entry.
type from0 struct{ storage.Store }

func (s from0) List(ctx context.Context, prefix, _ string, limit int) ([]storage.Entry, error) {
	return s.Store.List(ctx, prefix, "", limit)
}
