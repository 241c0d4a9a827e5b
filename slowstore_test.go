package secrets_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The times of these tests pass in a bubble.

func TestStagedWritersOverASlowStoreBothGetThrough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	crowded(t, f)
	for _, name := range names("more", 2*crowd) {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error)
		for _, value := range []string{"two", "three"} {
			store := &hooked{Store: f.store}
			p := f.elsewhere(t, store)
			store.commit = func(ctx context.Context, b storage.Batch) error {
				time.Sleep(900 * time.Millisecond) // several of which exceed the patience with a claim
				return f.store.Commit(ctx, b)
			}
			go func() { done <- failure(p.org.UpdateSecret(ctx, "a", text(value), nil)) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if s := made(t)(f.org.Secret(t.Context(), "a")); s.Version != 3 {
			t.Errorf("version %d, want 3", s.Version)
		}
	})
}

func TestAbandonedClaimsAreWaitedForTogether(t *testing.T) {
	t.Parallel()
	const secretsClaimed = 5
	f := newFixture(t)
	services := names("svc", crowd)
	for _, name := range services {
		getService(t)(f.org.CreateService(t.Context(), name))
	}
	for _, secret := range names("s", secretsClaimed) {
		f.give(t, secret, "v")
		for _, name := range services {
			if _, err := getService(t)(f.org.Service(t.Context(), name)).Grant(t.Context(), secret, ""); err != nil {
				t.Fatal(err)
			}
		}
		p := f.elsewhere(t, crashing(f.store, 1))
		wantError(t, failure(p.org.UpdateSecret(t.Context(), secret, text("w"), nil)), secrets.ErrUnavailable)
	}
	token := f.token(t)
	synctest.Test(t, func(t *testing.T) {
		p := f.elsewhere(t, f.store)
		start := time.Now()
		if err := p.api.RevokeToken(t.Context(), token.ID()); err != nil {
			t.Error(err)
		}
		// One patience for widening the grants; narrowing finds no claim.
		if took := time.Since(start); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestARevocationUnderConflictsWithoutPauseGivesUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		store := &hooked{Store: f.store}
		store.commit = func(ctx context.Context, b storage.Batch) error {
			for _, p := range b.Puts {
				if strings.HasPrefix(p.Key, "org/acme/env/") {
					commits++
					return storage.ErrConflict
				}
			}
			return f.store.Commit(ctx, b)
		}
		p := f.elsewhere(t, store)
		start := time.Now()
		wantError(t, p.api.RevokeToken(t.Context(), token.ID()), secrets.ErrUnknownOutcome)
		if took := time.Since(start); commits < 10 || commits > 1000 || took > 10*time.Second {
			t.Errorf("%d commits in %v", commits, took)
		}
	})
}

// A silent root does not answer until it is let go.
type silent struct {
	crypto.Root
	hang chan struct{} // nil: it answers
}

func (h *silent) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	if h.hang != nil {
		<-h.hang
	}
	return h.Root.Unwrap(ctx, wrapped, ad)
}

func TestACallEndsWithItsContextWhileAnotherWaitsForTheRoot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for what, do := range map[string]func(context.Context, *secrets.Organization) error{
		"listing": func(ctx context.Context, o *secrets.Organization) error { return listed(o.Secrets(ctx, nil)) },
		"reading": func(ctx context.Context, o *secrets.Organization) error { return failure(o.Secret(ctx, "a")) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				root := &silent{Root: f.root}
				store := newStore(t)
				client, err := secrets.Open(store, root, nil)
				if err != nil {
					t.Fatal(err)
				}
				org := get(t)(client.CreateOrganization(t.Context(), "acme"))
				elsewhere := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
				if err := elsewhere.RotateKey(t.Context(), nil); err != nil { // the root has to be asked again
					t.Fatal(err)
				}
				root.hang = make(chan struct{})
				first := make(chan error)
				go func() { first <- failure(org.Secret(t.Context(), "a")) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				second := make(chan error, 1)
				go func() { second <- do(ctx, org) }()
				time.Sleep(2 * time.Second)
				select {
				case err := <-second:
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
				default:
					t.Error("it still waits, a second after its context ended")
				}
				close(root.hang)
				wantError(t, <-first, secrets.ErrNotFound)
			})
		})
	}
}
