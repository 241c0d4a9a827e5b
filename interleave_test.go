package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A stepped store stops its actor before each call until it is let on.
type stepped struct {
	storage.Store
	turn chan struct{}
}

func (s *stepped) wait(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stepped) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, keys...)
}

func (s *stepped) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, prefix, after, limit)
}

func (s *stepped) Commit(ctx context.Context, b storage.Batch) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Commit(ctx, b)
}

// An actor does one operation through a client of its own, as another process
// would.
type actor struct {
	name string
	do   func(ctx context.Context, org *secrets.Organization, api *secrets.Service) error
}

// run lets the actors take turns call by call, in an order drawn from seed, and
// calls always after each turn. It returns what each actor ended with.
func run(t *testing.T, f *fixture, seed uint64, actors []actor, always func()) map[string]error {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	type ending struct {
		name string
		err  error
	}
	done := make(chan ending, len(actors))
	running := map[string]chan struct{}{}
	for _, a := range actors {
		store := &stepped{Store: f.store, turn: make(chan struct{})}
		running[a.name] = store.turn
		go func() {
			client, err := secrets.Open(store, f.root, nil)
			if err == nil {
				err = func() error {
					org, err := client.Organization(t.Context(), "acme")
					if err != nil {
						return err
					}
					api, err := org.Service(t.Context(), "api")
					if err != nil {
						return err
					}
					return a.do(t.Context(), org, api)
				}()
			}
			done <- ending{a.name, err}
		}()
	}
	endings := map[string]error{}
	for len(running) > 0 {
		synctest.Wait()
		select {
		case e := <-done:
			endings[e.name] = e.err
			delete(running, e.name)
			continue
		default:
		}
		next := random.IntN(len(running))
		for _, a := range actors {
			turn, ok := running[a.name]
			if !ok {
				continue
			}
			if next == 0 {
				select {
				case turn <- struct{}{}:
				case e := <-done:
					endings[e.name] = e.err
					delete(running, e.name)
				}
				break
			}
			next--
		}
		synctest.Wait()
		always()
	}
	return endings
}

func TestInterleavingsKeepWhatTheModelPromises(t *testing.T) {
	t.Parallel()
	update := actor{"update", func(ctx context.Context, org *secrets.Organization, _ *secrets.Service) error {
		_, err := org.UpdateSecret(ctx, "a", secrets.Text("two"), nil)
		return err
	}}
	revokeToken := func(i int) func(f *fixture) actor {
		return func(f *fixture) actor {
			return actor{fmt.Sprint("revoke token ", i), func(ctx context.Context, _ *secrets.Organization, api *secrets.Service) error {
				return api.RevokeToken(ctx, f.tokens[i].ID())
			}}
		}
	}
	revoke := actor{"revoke", func(ctx context.Context, _ *secrets.Organization, api *secrets.Service) error {
		return api.Revoke(ctx, "a")
	}}
	grant := actor{"grant", func(ctx context.Context, _ *secrets.Organization, api *secrets.Service) error {
		_, err := api.Grant(ctx, "a", "")
		return err
	}}
	issue := actor{"issue", func(ctx context.Context, _ *secrets.Organization, api *secrets.Service) error {
		_, err := api.IssueToken(ctx)
		return err
	}}
	remove := actor{"delete", func(ctx context.Context, org *secrets.Organization, _ *secrets.Service) error {
		return org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
	}}
	recreate := actor{"create again", func(ctx context.Context, org *secrets.Organization, api *secrets.Service) error {
		if _, err := org.CreateSecret(ctx, "a", secrets.Text("new")); err != nil {
			return err
		}
		_, err := api.Grant(ctx, "a", "")
		return err
	}}
	always := func(a actor) func(*fixture) actor { return func(*fixture) actor { return a } }
	scenes := map[string][]func(*fixture) actor{
		"update, revoke token":         {always(update), revokeToken(0)},
		"update, revoke, grant":        {always(update), always(revoke), always(grant)},
		"update, issue, revoke token":  {always(update), always(issue), revokeToken(0)},
		"revoke token, revoke token":   {revokeToken(0), revokeToken(1)},
		"revoke, revoke token, update": {always(revoke), revokeToken(0), always(update)},
		"delete, create again, update": {always(remove), always(recreate), always(update)},
		"delete, revoke token, grant":  {always(remove), revokeToken(0), always(grant)},
	}
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for name, makers := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			f.give(t, "b", "other")
			f.tokens = []secrets.Token{f.token(t), f.token(t), f.token(t)}
			for seed := range uint64(rounds) {
				synctest.Test(t, func(t *testing.T) { playScene(t, f.clone(t), seed, makers) })
			}
		})
	}
}

func playScene(t *testing.T, f *fixture, seed uint64, makers []func(*fixture) actor) {
	var actors []actor
	for _, make := range makers {
		actors = append(actors, make(f))
	}
	// The third token is never revoked: whoever holds it reads at every instant.
	session := f.connect(t, f.tokens[2])
	always := func() {
		switch got := lookup(t.Context(), session, "A"); got {
		case "one", "two", "new", "absent":
		default:
			t.Fatalf("seed %d: the granted app reads %q", seed, got)
		}
		want(t, lookup(t.Context(), session, "B"), "other")
	}
	for name, err := range run(t, f, seed, actors, always) {
		if err != nil && !errors.Is(err, secrets.ErrNotFound) && !errors.Is(err, secrets.ErrExists) {
			t.Errorf("seed %d: %s: %v", seed, name, err)
		}
	}
	for _, a := range actors {
		for i, token := range f.tokens {
			if a.name != fmt.Sprint("revoke token ", i) {
				continue
			}
			_, err := secrets.Connect(t.Context(), f.store, token)
			wantError(t, err, secrets.ErrUnauthenticated)
		}
	}
	// Whatever happened, the organization works and agrees with itself.
	if _, err := f.org.SetSecret(t.Context(), "a", secrets.Text("after")); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	grants, err := f.org.Usage(t.Context(), "a")
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	expected := "absent"
	if len(grants) > 0 {
		expected = "after"
	}
	want(t, lookup(t.Context(), session, "A"), expected)
}
