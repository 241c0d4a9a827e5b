package secrets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// allOf returns what a source has for A, B and Z, read at once.
func allOf(ctx context.Context, source secrets.Source) string {
	env, err := source.Environment(ctx)
	switch {
	case errors.Is(err, secrets.ErrTampered):
		return "tampered"
	case err != nil:
		return err.Error()
	}
	return lookup(ctx, env, "A") + " " + lookup(ctx, env, "B") + " " + lookup(ctx, env, "Z")
}

// A write between the two reads of an environment has it look again. What it has
// opened before is not taken for what there is now.
func TestSecondLookAtAnEnvironmentIsOfOneInstant(t *testing.T) {
	t.Parallel()
	const row, secret = "org/acme/env/api/a", "org/acme/secret/a"
	base := newFixture(t)
	base.give(t, "a", "one")
	base.give(t, "b", "other")
	base.give(t, "z", "one")
	token, other := base.token(t), base.token(t)
	a := []storage.Entry{stored(t, base.store, row), stored(t, base.store, secret)}
	for _, c := range []struct {
		meanwhile string
		do        func(ctx context.Context, f *fixture) error
		want      string
	}{
		{"nothing more", func(context.Context, *fixture) error { return nil }, "one other two"},
		{"both are set", func(ctx context.Context, f *fixture) error {
			return f.org.Change(ctx, func(c *secrets.Change) error {
				return errors.Join(c.SetSecret("a", text("three")), c.SetSecret("z", text("three")))
			})
		}, "three other three"},
		{"one is revoked", func(ctx context.Context, f *fixture) error { return f.api.Revoke(ctx, "a") }, "absent other two"},
		{"a row is damaged", func(_ context.Context, f *fixture) error { damage(t, f.store, row); return nil }, "tampered"},
		{"a secret is overwritten", func(_ context.Context, f *fixture) error {
			restore(t, f.store, []storage.Entry{{Key: secret, Value: []byte("garbage")}})
			return nil
		}, "tampered"},
		{"the key is replaced, and what the old one opened put back", func(ctx context.Context, f *fixture) error {
			err := f.api.RevokeToken(ctx, other.ID())
			restore(t, f.store, a)
			return err
		}, "tampered"},
	} {
		for _, platform := range []bool{false, true} {
			f := base.clone(t)
			h := &hooked{Store: f.store}
			var source secrets.Source = connectOver(t, h, token)
			if platform {
				source = f.elsewhere(t, h).api
			}
			calls := 0
			h.before = func(...string) error {
				switch calls++; calls {
				case 2:
					set(t, f.org, "z", "two")
				case 3:
					return c.do(t.Context(), f)
				}
				return nil
			}
			if got := allOf(t.Context(), source); got != c.want || calls != 3 {
				t.Errorf("%s, %T: got %q after %d calls, want %q after 3", c.meanwhile, source, got, calls, c.want)
			}
		}
	}
}
