package secrets_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// allCalls returns all calls that have a context, on what is there and on what
// is not.
func allCalls(t *testing.T, f *fixture) []call {
	t.Helper()
	token := f.token(t)
	return slices.Concat(
		clientCalls(f.client, "acme"), clientCalls(f.client, "new"),
		secretCalls(f.org, "a"), secretCalls(f.org, "new"),
		serviceCalls(f.org, "api"), serviceCalls(f.org, "new"),
		grantCalls(f.api, "a"), tokenCalls(f.api, token.ID()), listCalls(f.client, f.org),
		keyCalls(f.org, keyIDs(t, f.org)[0]), rootCalls(f.client, newRoot(t)),
		confirmCalls(f.client, f.org, "a"), sweepCalls(f.client), sessionCalls(f.connect(t, token))[:1],
		[]call{connectCall(secrets.Error{Op: "connect", Organization: "acme", Service: "api"}, f.store, token)},
	)
}

// Neither test of contexts is parallel: they capture what is printed.

func TestAnEndedContextIsTheErrorOfEveryCall(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	calls := allCalls(t, f)
	for _, ended := range []context.Context{cancelled, late} {
		these := slices.Clone(calls)
		for i, c := range these {
			these[i].do = func(context.Context) error { return c.do(ended) }
		}
		wantRefused(t, f, ended.Err(), these)
	}
	env, err := f.api.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = env.Environment(cancelled)
	wantError(t, err, context.Canceled)
}

// A cancelling store ends the context of its caller before one of the calls.
type cancelling struct {
	storage.Store
	left   int // calls that go well
	cancel context.CancelFunc
}

func (c *cancelling) count() {
	if c.left--; c.left < 0 {
		c.cancel()
	}
}

func (c *cancelling) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	c.count()
	return c.Store.Get(ctx, keys...)
}

func (c *cancelling) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	c.count()
	return c.Store.List(ctx, prefix, after, limit)
}

func (c *cancelling) Commit(ctx context.Context, b storage.Batch) error {
	_, err := c.CommitVersion(ctx, b)
	return err
}

func (c *cancelling) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	c.count()
	return storage.Commit(ctx, c.Store, b)
}

// Wherever a context ends within an operation of one commit, it was done and
// there is no error, or nothing was.
func TestAContextThatEndsWithinACallLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	for what, do := range map[string]func(context.Context, *secrets.Organization, *secrets.Service) error{
		"create secret": func(ctx context.Context, o *secrets.Organization, _ *secrets.Service) error {
			return failure(o.CreateSecret(ctx, "c", text("v")))
		},
		"set secret": func(ctx context.Context, o *secrets.Organization, _ *secrets.Service) error {
			return failure(o.SetSecret(ctx, "a", text("v")))
		},
		"update secret": func(ctx context.Context, o *secrets.Organization, _ *secrets.Service) error {
			return failure(o.UpdateSecret(ctx, "a", text("v"), nil))
		},
		"delete secret": func(ctx context.Context, o *secrets.Organization, _ *secrets.Service) error {
			return o.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
		},
		"create service": func(ctx context.Context, o *secrets.Organization, _ *secrets.Service) error {
			return failure(o.CreateService(ctx, "web"))
		},
		"grant": func(ctx context.Context, _ *secrets.Organization, s *secrets.Service) error {
			return failure(s.Grant(ctx, "b", ""))
		},
		"move": func(ctx context.Context, _ *secrets.Organization, s *secrets.Service) error {
			return failure(s.Grant(ctx, "a", "B"))
		},
		"revoke": func(ctx context.Context, _ *secrets.Organization, s *secrets.Service) error {
			return s.Revoke(ctx, "a")
		},
		"issue token": func(ctx context.Context, _ *secrets.Organization, s *secrets.Service) error {
			return failure(s.IssueToken(ctx))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for n := range 100 {
				c := f.clone(t)
				store := &cancelling{Store: c.store, left: 1 << 30}
				org := get(t)(c.open(t, store).Organization(t.Context(), "acme"))
				api := getService(t)(org.Service(t.Context(), "api"))
				before := entries(t, c.store, "")
				ctx, cancel := context.WithCancel(t.Context())
				store.left, store.cancel = n, cancel
				err := do(ctx, org, api)
				cancel()
				if changed := !cmp.Equal(before, entries(t, c.store, "")); changed != (err == nil) {
					t.Errorf("cancelled at call %d: changed %v, %v", n+1, changed, err)
				}
				if err == nil {
					if n < 1 {
						t.Errorf("it took %d calls", n)
					}
					return
				}
				if !errors.Is(err, context.Canceled) || errors.Is(err, secrets.ErrUnknownOutcome) {
					t.Errorf("cancelled at call %d: %v", n+1, err)
				}
			}
			t.Error("it does not end")
		})
	}
}
