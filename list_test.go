package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// manyListed is more than the 1,000 entries that a Store gives at once,
// listedPage how many a listing asks for.
const (
	manyListed = 1001
	listedPage = 128
)

// A listing is one of the three that there are, by names.
type listing struct {
	op     string
	within secrets.Name // organization
	names  func(context.Context, *secrets.Client, *secrets.ListOptions) iter.Seq2[secrets.Name, error]
}

// before is how many calls it takes before the first page: to see that the
// organization is there.
func (l listing) before() int {
	if l.within == "" {
		return 0
	}
	return 1
}

var listings = []listing{
	{"list organizations", "", func(ctx context.Context, c *secrets.Client, opts *secrets.ListOptions) iter.Seq2[secrets.Name, error] {
		return namesOf(c.Organizations(ctx, opts), func(o secrets.OrganizationInfo) secrets.Name { return o.Name })
	}},
	{"list secrets", "acme", func(ctx context.Context, c *secrets.Client, opts *secrets.ListOptions) iter.Seq2[secrets.Name, error] {
		return inAcme(ctx, c, func(o *secrets.Organization) iter.Seq2[secrets.Name, error] {
			return namesOf(o.Secrets(ctx, opts), func(s secrets.Secret) secrets.Name { return s.Name })
		})
	}},
	{"list services", "acme", func(ctx context.Context, c *secrets.Client, opts *secrets.ListOptions) iter.Seq2[secrets.Name, error] {
		return inAcme(ctx, c, func(o *secrets.Organization) iter.Seq2[secrets.Name, error] {
			return namesOf(o.Services(ctx, opts), func(s secrets.ServiceInfo) secrets.Name { return s.Name })
		})
	}},
}

// inAcme opens the organization in whatever state the context is.
func inAcme(ctx context.Context, c *secrets.Client, list func(*secrets.Organization) iter.Seq2[secrets.Name, error]) iter.Seq2[secrets.Name, error] {
	org, err := c.Organization(context.WithoutCancel(ctx), "acme")
	if err != nil {
		return func(yield func(secrets.Name, error) bool) { yield("", fmt.Errorf("not listed: %w", err)) }
	}
	return list(org)
}

func namesOf[T any](seq iter.Seq2[T, error], name func(T) secrets.Name) iter.Seq2[secrets.Name, error] {
	return func(yield func(secrets.Name, error) bool) {
		for v, err := range seq {
			if !yield(name(v), err) {
				return
			}
		}
	}
}

// collect returns the names that a listing yields, and fails at an error.
func collect(t *testing.T, seq iter.Seq2[secrets.Name, error]) []secrets.Name {
	t.Helper()
	all := []secrets.Name{}
	for name, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

// newCrowd returns a fixture with that many organizations beside acme, and that
// many secrets and services in it. The organizations are copies of its record,
// which a listing does not open.
func newCrowd(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	record := entries(t, f.store, "orgs/acme")[0]
	for _, name := range names("entry", manyListed) {
		if _, err := f.org.CreateSecret(t.Context(), name, text("v")); err != nil {
			t.Fatal(err)
		}
		getService(t)(f.org.CreateService(t.Context(), name))
		restore(t, f.store, []storage.Entry{{Key: "orgs/" + string(name), Value: record.Value}})
	}
	return f
}

func TestListingsOfManyPages(t *testing.T) {
	t.Parallel()
	f := newCrowd(t)
	for what, test := range map[string]func(*testing.T, *fixture){
		"yield what the options say": yieldWhatTheOptionsSay,
		"call the store once a page": callTheStoreOnceAPage,
		"end with the store's error": endWithTheErrorOfTheStore,
		"end with their own context": endWithTheirContext,
	} {
		t.Run(what, func(t *testing.T) { test(t, f) })
	}
}

func yieldWhatTheOptionsSay(t *testing.T, f *fixture) {
	all := names("entry", manyListed)
	cases := []struct {
		what string
		opts *secrets.ListOptions
		want []secrets.Name
	}{
		{"prefix of all", &secrets.ListOptions{Prefix: "entry-"}, all},
		{"prefix", &secrets.ListOptions{Prefix: "entry-04"}, all[400:500]},
		{"prefix of one", &secrets.ListOptions{Prefix: "entry-1000"}, all[1000:]},
		{"prefix of none", &secrets.ListOptions{Prefix: "entry-10000"}, nil},
		{"after one", &secrets.ListOptions{After: "entry-0998"}, all[999:]},
		{"after the last", &secrets.ListOptions{After: "entry-1000"}, nil},
		{"after what is not there", &secrets.ListOptions{After: "entry-0998a"}, all[999:]},
		{"after and prefix", &secrets.ListOptions{Prefix: "entry-09", After: "entry-0949"}, all[950:1000]},
		{"after, behind the prefix", &secrets.ListOptions{Prefix: "entry-01", After: "entry-02"}, nil},
		{"after, before the prefix", &secrets.ListOptions{Prefix: "entry-01", After: "a"}, all[100:200]},
		{"limit of one", &secrets.ListOptions{Prefix: "e", Limit: 1}, all[:1]},
		{"limit of a page", &secrets.ListOptions{Prefix: "e", Limit: listedPage}, all[:listedPage]},
		{"limit behind a page", &secrets.ListOptions{Prefix: "e", Limit: listedPage + 1}, all[:listedPage+1]},
		{"limit of all", &secrets.ListOptions{Prefix: "e", Limit: manyListed}, all},
		{"limit beyond all", &secrets.ListOptions{Prefix: "e", Limit: 1 << 40}, all},
		{"all three", &secrets.ListOptions{Prefix: "entry-0", After: "entry-0499", Limit: 300}, all[500:800]},
	}
	for _, l := range listings {
		for _, c := range cases {
			t.Run(l.op+"/"+c.what, func(t *testing.T) {
				seq := l.names(t.Context(), f.client, c.opts)
				for range 2 { // it may be repeated
					if diff := cmp.Diff(append([]secrets.Name{}, c.want...), collect(t, seq)); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			})
		}
	}
}

func callTheStoreOnceAPage(t *testing.T, f *fixture) {
	for _, l := range listings {
		for _, c := range []struct{ limit, taken, calls int }{
			{0, manyListed, manyListed/listedPage + 1},
			{1, 1, 1}, {listedPage, listedPage, 1}, {listedPage + 1, listedPage + 1, 2},
			{0, 1, 1}, {0, listedPage, 1}, {0, listedPage + 1, 2}, {0, 2*listedPage + 1, 3}, // left early
		} {
			store := &counting{Store: f.store}
			seq := l.names(t.Context(), f.open(t, store), &secrets.ListOptions{Prefix: "entry-", Limit: c.limit})
			store.reads.Store(0) // what opening took
			taken := 0
			for _, err := range seq {
				if err != nil {
					t.Fatal(err)
				}
				if taken++; taken == c.taken {
					break
				}
			}
			if calls := int(store.reads.Load()); taken != c.taken || calls != l.before()+c.calls {
				t.Errorf("%s, limit %d: %d entries with %d calls, want %d with %d", l.op, c.limit, taken, calls, c.taken, l.before()+c.calls)
			}
			if n := store.commits.Load(); n != 0 {
				t.Errorf("%s: %d commits", l.op, n)
			}
		}
	}
}

// A listing ends with the error, and what came before it counts.
func endWithTheErrorOfTheStore(t *testing.T, f *fixture) {
	all := names("entry", manyListed)
	for _, l := range listings {
		for _, pages := range []int{0, 1, 3} {
			store := storagetest.NewFaulty(f.store, storagetest.Refused)
			seq := l.names(t.Context(), f.open(t, store), &secrets.ListOptions{Prefix: "entry-"})
			store.Fail(t.Context(), l.before()+pages+1)
			wantEnd(t, l, seq, all[:pages*listedPage], pages*listedPage, storage.ErrUnavailable)
		}
	}
}

func endWithTheirContext(t *testing.T, f *fixture) {
	all := names("entry", manyListed)
	for _, l := range listings {
		for _, n := range []int{0, 1, listedPage, listedPage + 1} {
			ctx, cancel := context.WithCancel(t.Context())
			seq := l.names(ctx, f.client, &secrets.ListOptions{Prefix: "entry-"})
			if n == 0 {
				cancel()
			}
			ending := func(yield func(secrets.Name, error) bool) {
				taken := 0
				for name, err := range seq {
					if taken++; taken == n {
						cancel()
					}
					if !yield(name, err) {
						return
					}
				}
			}
			read := (n + listedPage - 1) / listedPage * listedPage // the page that was read may be yielded
			wantEnd(t, l, ending, all[:read], n, context.Canceled)
			cancel()
		}
	}
}

// wantEnd fails the test unless seq yields names, at least so many of them, then
// one error and nothing more.
func wantEnd(t *testing.T, l listing, seq iter.Seq2[secrets.Name, error], names []secrets.Name, least int, end error) {
	t.Helper()
	var got []secrets.Name
	var ended error
	for name, err := range seq {
		if ended != nil {
			t.Fatalf("%s: goes on after an error, with %q and %v", l.op, name, err)
		}
		if ended = err; err == nil {
			got = append(got, name)
		}
	}
	if len(got) < least || len(got) > len(names) || !slices.Equal(got, names[:len(got)]) {
		t.Errorf("%s: %d names, want %d to %d of those there are", l.op, len(got), least, len(names))
	}
	wantError(t, ended, end)
	var e *secrets.Error
	if !errors.As(ended, &e) || e.Op != l.op || e.Organization != l.within {
		t.Errorf("%s: the error says something else: %v", l.op, ended)
	}
}

func TestAListingEndsWithAnErrorOfReadingAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []secrets.Name{"a", "b", "c"} {
		made(t)(f.org.CreateSecret(t.Context(), name, text("v")))
	}
	restore(t, f.store, []storage.Entry{{Key: "org/acme/secret/b", Value: []byte("something else")}})
	store := &getless{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	store.fail = true
	var ended error
	for s, err := range org.Secrets(t.Context(), nil) {
		if ended != nil {
			t.Errorf("goes on with %q and %v", s.Name, err)
		}
		ended = err
	}
	wantError(t, ended, secrets.ErrUnavailable)
}
