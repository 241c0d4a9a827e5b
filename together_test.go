package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// What eight goroutines do at once, to three secrets and one service, through
// the same handles and through those of another client.
func together() []func(ctx context.Context, p process, name secrets.Name, value secrets.Value) error {
	type do = func(ctx context.Context, p process, name secrets.Name, value secrets.Value) error
	grant := func(env string) do {
		return func(ctx context.Context, p process, name secrets.Name, _ secrets.Value) error {
			if env != "" {
				env += secrets.EnvName(name)
			}
			return failure(p.api.Grant(ctx, name, env))
		}
	}
	set := func(ctx context.Context, p process, name secrets.Name, value secrets.Value) error {
		return failure(p.org.SetSecret(ctx, name, value))
	}
	return []do{
		set, set, grant(""), grant("X_"),
		func(ctx context.Context, p process, name secrets.Name, _ secrets.Value) error {
			return p.api.Revoke(ctx, name)
		},
		func(ctx context.Context, p process, _ secrets.Name, _ secrets.Value) error {
			token, err := p.api.IssueToken(ctx)
			if err != nil {
				return err
			}
			return p.api.RevokeToken(ctx, token.ID())
		},
		func(ctx context.Context, p process, name secrets.Name, _ secrets.Value) error {
			return p.org.DeleteSecret(ctx, name, &secrets.DeleteOptions{Revoke: true})
		},
		func(ctx context.Context, p process, _ secrets.Name, _ secrets.Value) error {
			return errors.Join(failure(p.api.Grants(ctx)), failure(p.api.Tokens(ctx)), listed(p.org.Secrets(ctx, nil)))
		},
	}
}

func TestHandlesThatEverybodySharesKeepWorkingUnderEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := []secrets.Name{"a", "b", "c"}
	for _, name := range append(all, "stay") {
		f.give(t, name, "v")
	}
	session := f.connect(t, f.token(t))
	processes := []process{{f.store, f.org, f.api}, f.elsewhere(t, f.store)}
	last := 300 * time.Millisecond
	if long() {
		last = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), last)
	defer cancel()
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			random, tasks := rand.New(rand.NewPCG(uint64(w), 0)), together()
			for ctx.Err() == nil {
				i := random.IntN(len(tasks))
				err := tasks[i](ctx, processes[random.IntN(2)], all[random.IntN(len(all))], text(fmt.Sprint(random.Int())))
				expected := []error{nil, secrets.ErrNotFound, secrets.ErrConflict, secrets.ErrInvalidEnv, secrets.ErrLimit, ctx.Err()}
				if !slices.ContainsFunc(expected, func(e error) bool { return errors.Is(err, e) }) {
					t.Errorf("task %d: %v", i, err)
				}
			}
		})
	}
	reads := 0
	for ; ctx.Err() == nil && !t.Failed(); reads++ {
		want(t, lookup(t.Context(), session, "STAY"), "v")
		want(t, lookup(t.Context(), f.api, "STAY"), "v")
	}
	writers.Wait()
	if reads == 0 {
		t.Error("nothing was read")
	}
	for _, name := range all {
		if _, err := f.org.SetSecret(t.Context(), name, text("after")); err != nil {
			t.Error(err)
		}
	}
}
