package secrets_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// twoRoots gives the fixture several organizations, and a root that is to
// replace its own: every process has both.
func twoRoots(t *testing.T, f *fixture) {
	t.Helper()
	f.give(t, "a", "one")
	get(t)(f.client.CreateOrganization(t.Context(), "other"))
	f.next = newRoot(t)
	f.root = crypto.Roots(f.root, f.next)
}

// with returns a Client that has a root of its own.
func (f *fixture) with(t testing.TB, root crypto.Root) *secrets.Client {
	t.Helper()
	return (&fixture{root: root}).open(t, f.store)
}

// wantNextRoot fails the test unless the new root alone opens everything.
func wantNextRoot(t *testing.T, f *fixture, _ *secrets.Organization) {
	t.Helper()
	client := f.with(t, f.next)
	n := 0
	for info, err := range client.Organizations(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		wantOpen(t, get(t)(client.Organization(t.Context(), info.Name)))
		n++
	}
	wantUsage(t, client, f.next, secrets.RootUsage{Organizations: n})
}

func wantUsage(t testing.TB, client *secrets.Client, root crypto.Root, want secrets.RootUsage) {
	t.Helper()
	if got, err := client.RootUsage(t.Context(), root); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// deleting leaves behind an organization of which the deletion was interrupted.
func (f *fixture) deleting(t *testing.T, name secrets.Name) {
	t.Helper()
	org := get(t)(f.client.CreateOrganization(t.Context(), name))
	made(t)(org.CreateSecret(t.Context(), "a", text("one")))
	client := f.open(t, crashing(f.store, 1))
	wantError(t, client.DeleteOrganization(t.Context(), name, &secrets.DeleteOptions{Revoke: true}), secrets.ErrUnknownOutcome)
}

func TestRotatedRootOpensEveryOrganizationAndTheOldOneNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.deleting(t, "half")
	get(t)(f.client.CreateOrganization(t.Context(), "other"))
	session := f.connect(t, f.token(t))
	before := entries(t, f.store, "org/")
	f.next = newRoot(t)
	wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 3, Others: 3})
	if err := f.client.RotateRoot(t.Context(), f.next, nil); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 3})
	wantUsage(t, f.client, f.root, secrets.RootUsage{Organizations: 3, Others: 3})
	unchangedEntries(t, before, entries(t, f.store, "org/"))
	want(t, lookup(t.Context(), session, "A"), "one")
	want(t, lookup(t.Context(), f.api, "A"), "one")
	wantError(t, failure(f.with(t, f.root).Organization(t.Context(), "acme")), secrets.ErrWrongRoot)

	// What the Client creates from now on is the new root's, and it finishes what
	// the old one has begun.
	get(t)(f.client.CreateOrganization(t.Context(), "new"))
	if err := f.with(t, f.next).DeleteOrganization(t.Context(), "half", nil); err != nil {
		t.Error(err)
	}
	wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 3})
}

func TestAnInterruptedRotationOfTheRootIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	for commits := range 4 {
		f := newFixture(t)
		for _, name := range names("org", 3) {
			get(t)(f.client.CreateOrganization(t.Context(), name))
		}
		twoRoots(t, f)
		client := f.open(t, crashing(f.store, commits))
		err := client.RotateRoot(t.Context(), f.next, nil)
		wantError(t, err, secrets.ErrUnavailable)
		if errors.Is(err, secrets.ErrUnknownOutcome) != (commits > 0) {
			t.Errorf("stopped after %d commits: %v", commits, err)
		}
		wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 5, Others: 5 - commits})
		both := f.with(t, f.root)
		for info, err := range both.Organizations(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			get(t)(both.Organization(t.Context(), info.Name)) // whatever has been done, both open it
		}
		if err := both.RotateRoot(t.Context(), f.next, nil); err != nil {
			t.Errorf("stopped after %d commits: %v", commits, err)
		}
		wantNextRoot(t, f, nil)
	}
}

func TestTwoProcessesRotateTheRootAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range names("org", 30) {
		get(t)(f.client.CreateOrganization(t.Context(), name))
	}
	twoRoots(t, f)
	done := make(chan error)
	for range 2 {
		client := f.with(t, f.root)
		go func() { done <- client.RotateRoot(t.Context(), f.next, nil) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	wantNextRoot(t, f, nil)
}

// Another process that still wraps with the old root creates an organization
// behind the rotation's back.
func TestAnOrganizationThatIsCreatedMeanwhileIsRotatedToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	twoRoots(t, f)
	store := &hooked{Store: f.store}
	n := 0
	store.commit = func(ctx context.Context, b storage.Batch) error {
		if n++; n == 2 {
			get(t)(f.client.CreateOrganization(t.Context(), "a-first"))
		}
		return f.store.Commit(ctx, b)
	}
	if err := f.open(t, store).RotateRoot(t.Context(), f.next, nil); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 3})
}

func TestAnOrganizationThatNeitherRootOpensIsNamedAndTheOthersAreDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	get(t)(f.client.CreateOrganization(t.Context(), "healthy"))
	get(t)(f.client.CreateOrganization(t.Context(), "damaged"))
	restore(t, f.store, entries(t, elsewhereStore(t, "foreign"), "orgs/"))
	damaged := stored(t, f.store, "orgs/damaged")
	restore(t, f.store, []storage.Entry{{Key: damaged.Key, Value: damaged.Value[:10]}})
	f.next = newRoot(t)
	for range 2 {
		err := f.client.RotateRoot(t.Context(), f.next, nil)
		wantError(t, err, secrets.ErrWrongRoot)
		wantError(t, err, secrets.ErrTampered)
		if text := err.Error(); !strings.Contains(text, "foreign:") || !strings.Contains(text, "damaged:") || strings.Contains(text, "healthy") || strings.Contains(text, "\n") {
			t.Errorf("it names others: %v", err)
		}
		wantUsage(t, f.client, f.next, secrets.RootUsage{Organizations: 4, Others: 2})
	}
	want(t, lookup(t.Context(), f.api, "A"), "one")
}

// elsewhereStore returns a store with an organization of another root.
func elsewhereStore(t *testing.T, name secrets.Name) storage.Store {
	t.Helper()
	store := newMemory(t)
	get(t)((&fixture{root: newRoot(t)}).open(t, store).CreateOrganization(t.Context(), name))
	return store
}

// A flaky root fails at some of its calls.
type flaky struct {
	crypto.Root
	calls  atomic.Int64
	wrap   func(call int64) error
	unwrap func(call int64) error
}

func (r *flaky) Wrap(ctx context.Context, plaintext, ad []byte) ([]byte, error) {
	if n := r.calls.Add(1); r.wrap != nil {
		if err := r.wrap(n); err != nil {
			return nil, err
		}
	}
	return r.Root.Wrap(ctx, plaintext, ad)
}

func (r *flaky) Unwrap(ctx context.Context, ciphertext, ad []byte) ([]byte, error) {
	if n := r.calls.Add(1); r.unwrap != nil {
		if err := r.unwrap(n); err != nil {
			return nil, err
		}
	}
	return r.Root.Unwrap(ctx, ciphertext, ad)
}

func TestARootThatIsDownAtAnyCallStopsTheRotationUntilItIsBack(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"old", "new"} {
		for at, more := int64(1), true; more; at++ {
			f := newFixture(t)
			first := f.root
			twoRoots(t, f)
			down := func(n int64) error {
				if more = n >= at; more {
					return crypto.ErrRootUnavailable
				}
				return nil
			}
			more = false
			old, next := &flaky{Root: first}, &flaky{Root: f.next}
			broken := map[string]*flaky{"old": old, "new": next}[which]
			broken.wrap, broken.unwrap = down, down
			client := f.with(t, old)
			err := client.RotateRoot(t.Context(), next, nil)
			if more {
				wantError(t, err, crypto.ErrRootUnavailable)
			} else if err != nil {
				t.Error(err)
			}
			broken.wrap, broken.unwrap = nil, nil
			if err := client.RotateRoot(t.Context(), next, nil); err != nil {
				t.Errorf("the %s root was down from call %d on, and is back: %v", which, at, err)
			}
			wantNextRoot(t, f, nil)
			if at == 1 && !more || at == maxCalls {
				t.Fatalf("the %s root is asked %d times", which, at-1)
			}
		}
	}
}

// A root that answers to a wrap with what it does not open: nothing is stored
// that could be the only copy.
func TestARootThatDoesNotOpenWhatItWrapsReplacesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	twoRoots(t, f)
	before := everything(t, f.store)
	for what, root := range map[string]crypto.Root{
		"it wraps with another key":        &mixed{Root: newRoot(t), wraps: newRoot(t)},
		"it is a nil root":                 nil,
		"it is a list that begins so":      crypto.Roots(nil, f.root),
		"it goes wrong after it was tried": &mixed{Root: f.next, wraps: newRoot(t), right: 1},
	} {
		if err := f.client.RotateRoot(t.Context(), root, nil); err == nil {
			t.Errorf("%s: it was taken", what)
		}
		unchangedEntries(t, before, everything(t, f.store))
	}
	want(t, lookup(t.Context(), f.api, "A"), "one")
	get(t)(f.with(t, f.root).CreateOrganization(t.Context(), "new"))
}

// A mixed root wraps with another key than it unwraps with, but for the first
// times.
type mixed struct {
	crypto.Root
	wraps crypto.Root
	right int
}

func (r *mixed) Wrap(ctx context.Context, plaintext, ad []byte) ([]byte, error) {
	if r.right--; r.right >= 0 {
		return r.Root.Wrap(ctx, plaintext, ad)
	}
	return r.wraps.Wrap(ctx, plaintext, ad)
}

// Who passes the list that processes are started with means its first root.
func TestOfSeveralRootsThePrimaryOneIsMeant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	old := f.root
	f.next = newRoot(t)
	both := crypto.Roots(f.next, old)
	wantUsage(t, f.client, both, secrets.RootUsage{Organizations: 1, Others: 1})
	if err := f.with(t, both).RotateRoot(t.Context(), both, nil); err != nil {
		t.Fatal(err)
	}
	wantNextRoot(t, f, nil)
}

// A program that repeats a rotation asks the old root no more for that.
func TestARotatedRootIsAskedAloneHoweverOftenItIsRotated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old, next := &flaky{Root: f.root}, &flaky{Root: newRoot(t)}
	client := f.with(t, old)
	org := get(t)(client.Organization(t.Context(), "acme"))
	for range 5 {
		if err := client.RotateRoot(t.Context(), next, nil); err != nil {
			t.Fatal(err)
		}
	}
	old.calls.Store(0)
	next.calls.Store(0)
	made(t)(org.CreateSecret(t.Context(), "a", text("one")))
	if n := next.calls.Load(); n != 0 {
		t.Errorf("the new root was asked %d times for what is open", n)
	}
	get(t)(client.CreateOrganization(t.Context(), "new"))
	if n := old.calls.Load(); n != 0 {
		t.Errorf("the old root was asked %d times", n)
	}
	restore(t, f.store, entries(t, elsewhereStore(t, "foreign"), "orgs/"))
	next.calls.Store(0)
	wantError(t, failure(client.Organization(t.Context(), "foreign")), secrets.ErrWrongRoot)
	if o, n := old.calls.Load(), next.calls.Load(); o != 1 || n != 1 { // not once for each rotation
		t.Errorf("the old root was asked %d times, and the new one %d times", o, n)
	}
}

func TestProgressOfARotationGoesFromNothingToAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	twoRoots(t, f)
	sealed := usage(t, f.org)[0].Records
	for what, test := range map[string]struct {
		total  int
		rotate func(*secrets.RotateOptions) error
	}{
		"key":  {sealed, func(o *secrets.RotateOptions) error { return f.org.RotateKey(t.Context(), o) }},
		"root": {2, func(o *secrets.RotateOptions) error { return f.client.RotateRoot(t.Context(), f.next, o) }},
	} {
		last, calls := -1, 0
		err := test.rotate(&secrets.RotateOptions{Progress: func(done, total int) {
			if done <= last || done > total || total != test.total || calls == 0 && done != 0 {
				t.Errorf("%s: %d of %d after %d", what, done, total, last)
			}
			last, calls = done, calls+1
		}})
		if err != nil || last != test.total || calls < 3 {
			t.Errorf("%s: %d of %d in %d calls, %v", what, last, test.total, calls, err)
		}
	}
}
