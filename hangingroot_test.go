package secrets_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The times of these tests pass in a bubble.

// A hanging root is a KMS that does not answer, once it hangs: a call ends with
// its context, and not before.
type hanging struct {
	crypto.Root
	hangs atomic.Bool
	asked atomic.Int64
}

func (h *hanging) Wrap(ctx context.Context, plaintext, ad []byte) ([]byte, error) {
	if err := h.answer(ctx); err != nil {
		return nil, err
	}
	return h.Root.Wrap(ctx, plaintext, ad)
}

func (h *hanging) Unwrap(ctx context.Context, ciphertext, ad []byte) ([]byte, error) {
	if err := h.answer(ctx); err != nil {
		return nil, err
	}
	return h.Root.Unwrap(ctx, ciphertext, ad)
}

func (h *hanging) answer(ctx context.Context) error {
	if !h.hangs.Load() {
		return nil
	}
	h.asked.Add(1)
	<-ctx.Done()
	return errors.New("the KMS: " + canary)
}

// newHanging returns a client of the fixture's store that asks a hanging root,
// and the organization as it opens it before the root hangs.
func (f *fixture) newHanging(t *testing.T, store storage.Store) (*hanging, *secrets.Client, *secrets.Organization) {
	t.Helper()
	root := &hanging{Root: f.root}
	client, err := secrets.Open(store, root, &secrets.Options{Logger: sweepLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return root, client, get(t)(client.Organization(t.Context(), "acme"))
}

func TestEveryCallThatAsksARootWhichHangsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		token := f.token(t)
		root, client, org := f.newHanging(t, f.store)
		api := getService(t)(org.Service(t.Context(), "api"))
		if err := f.org.RotateKey(t.Context(), nil); err != nil { // so that every call has to ask
			t.Fatal(err)
		}
		before := entries(t, f.store, "")
		root.hangs.Store(true)
		calls := slices.Concat(
			clientCalls(client, "acme"), clientCalls(client, "new")[:1], secretCalls(org, "a"), serviceCalls(org, "api"),
			grantCalls(api, "a"), tokenCalls(api, token.ID()), listCalls(client, org)[1:],
			keyCalls(org, keyIDs(t, f.org)[0]), rootCalls(client, root),
		)
		for _, c := range calls {
			asked, start := root.asked.Load(), time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			err := c.do(ctx)
			cancel()
			wantError(t, err, context.DeadlineExceeded)
			if took := time.Since(start); took != 3*time.Second || root.asked.Load() == asked {
				t.Errorf("%s: after %v, %d questions: %v", c.at.Op, took, root.asked.Load()-asked, err)
			}
			if errors.Is(err, secrets.ErrWrongRoot) || errors.Is(err, secrets.ErrUnknownOutcome) {
				t.Errorf("%s: %v", c.at.Op, err)
			}
		}
		if diff := cmp.Diff(before, entries(t, f.store, "")); diff != "" {
			t.Errorf("something was written (-before +after):\n%s", diff)
		}
		root.hangs.Store(false)
		want(t, lookup(t.Context(), api, "A"), "one")
	})
}

func TestARootThatHangsHoldsUpNobodyWhoNeedNotAskIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		get(t)(f.client.CreateOrganization(t.Context(), "other"))
		store := &hooked{Store: f.store}
		root, client, org := f.newHanging(t, store)
		other := get(t)(client.Organization(t.Context(), "other"))
		session := f.connect(t, f.token(t))

		// One call has read the record of before the rotation, and asks for it.
		old := stored(t, f.store, "orgs/acme")
		if err := org.RotateKey(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		stale, end := context.WithCancel(t.Context())
		h := &hostile{Store: f.store, get: func(found []storage.Entry) []storage.Entry { found[0].Value = old.Value; return found }}
		store.Store = h
		root.hangs.Store(true)
		done := make(chan error)
		go func() { done <- failure(org.Secret(stale, "a")) }()
		synctest.Wait()
		if root.asked.Load() != 1 {
			t.Fatalf("the root was asked %d times", root.asked.Load())
		}
		store.Store = f.store

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for what, err := range map[string]error{
			"of the same organization": failure(org.SetSecret(ctx, "a", text("two"))),
			"of another":               failure(other.CreateSecret(ctx, "b", text("two"))),
			"of an app":                failure(session.Environment(ctx)),
		} {
			if err != nil {
				t.Errorf("a call %s: %v", what, err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("they took %v", took)
		}
		end()
		wantError(t, <-done, context.Canceled)
	})
}

func TestARootThatPanicsLeavesNothingLocked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	root := &flaky{Root: f.root}
	client, err := secrets.Open(f.store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	org := get(t)(client.Organization(t.Context(), "acme"))
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	root.unwrap = func(int64) error { panic("the KMS client") }
	func() {
		defer func() {
			if p := recover(); p != any("the KMS client") {
				t.Errorf("it panics with %v", p)
			}
		}()
		_, _ = org.Secret(t.Context(), "a")
	}()
	root.unwrap = nil
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	made(t)(org.SetSecret(ctx, "a", text("two")))
	want(t, lookup(ctx, f.api, "A"), "two")
}
