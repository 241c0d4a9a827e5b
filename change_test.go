package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// revealAll returns what the administrator reads of some secrets.
func revealAll(t testing.TB, org *secrets.Organization, names ...secrets.Name) string {
	t.Helper()
	all := ""
	for _, name := range names {
		v, err := org.RevealSecret(t.Context(), name)
		switch {
		case errors.Is(err, secrets.ErrNotFound):
			all += string(name) + " absent "
		case err != nil:
			t.Fatal(err)
		default:
			all += string(name) + "=" + reveal(v) + " "
		}
	}
	return all
}

func TestChangeIsOneCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "login", "alice")
	f.give(t, "password", "one")
	f.give(t, "old", "gone soon")
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	err := org.Change(t.Context(), func(c *secrets.Change) error {
		return errors.Join(
			c.UpdateSecret("login", text("bob"), nil),
			c.SetSecret("password", text("two")),
			c.CreateSecret("extra", text("new")),
			c.DeleteSecret("old", &secrets.DeleteOptions{Revoke: true}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := store.commits.Load(); n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
	want(t, revealAll(t, f.org, "login", "password", "extra", "old"), "login=bob password=two extra=new old absent ")
	want(t, kept(t, f, f.org, "login"), "2=bob 1=alice")
	for env, value := range map[string]string{"LOGIN": "bob", "PASSWORD": "two", "OLD": "absent"} {
		want(t, lookup(t.Context(), f.api, env), value)
	}
}

func TestChangeOfWhatIsThereAlreadyWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	for range 2 {
		if err := org.Change(t.Context(), func(c *secrets.Change) error { return c.SetSecret("a", text("one")) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := org.Change(t.Context(), func(*secrets.Change) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n := store.commits.Load(); n != 0 {
		t.Errorf("%d commits, want none", n)
	}
}

func TestChangeThatCannotBeWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	if _, err := f.org.CreateSecret(t.Context(), "b", text("two")); err != nil {
		t.Fatal(err)
	}
	own := errors.New("of the caller")
	for name, test := range map[string]struct {
		change func(c *secrets.Change) error
		want   error
	}{
		"the caller's error": {func(*secrets.Change) error { return own }, own},
		"an invalid name":    {func(c *secrets.Change) error { return c.SetSecret("No", text("x")) }, secrets.ErrInvalidName},
		"an ignored error":   {func(c *secrets.Change) error { _ = c.SetSecret("No", text("x")); return nil }, secrets.ErrInvalidName},
		"an empty value":     {func(c *secrets.Change) error { return c.SetSecret("c", secrets.Value{}) }, secrets.ErrValueEmpty},
		"a large value": {func(c *secrets.Change) error {
			return c.SetSecret("c", secrets.Bytes(make([]byte, secrets.MaxValue+1)))
		}, secrets.ErrValueTooLarge},
		"a secret twice":    {func(c *secrets.Change) error { return c.SetSecret("b", text("x")) }, secrets.ErrExists},
		"one that is there": {func(c *secrets.Change) error { return c.CreateSecret("a", text("x")) }, secrets.ErrExists},
		"one that is not":   {func(c *secrets.Change) error { return c.UpdateSecret("c", text("x"), nil) }, secrets.ErrNotFound},
		"another version": {func(c *secrets.Change) error {
			return c.UpdateSecret("a", text("x"), &secrets.UpdateOptions{IfVersion: 7})
		}, secrets.ErrConflict},
		"one in use":    {func(c *secrets.Change) error { return c.DeleteSecret("a", nil) }, secrets.ErrInUse},
		"nothing to go": {func(c *secrets.Change) error { return c.DeleteSecret("c", nil) }, secrets.ErrNotFound},
		"a variable":    {func(c *secrets.Change) error { return c.SetSecret("a", secrets.Text("\x00")) }, secrets.ErrInvalidEnv},
		"too many": {func(c *secrets.Change) error {
			var errs []error
			for _, name := range names("many", 50) {
				errs = append(errs, c.SetSecret(name, text("x")))
			}
			return errors.Join(errs...)
		}, secrets.ErrLimit},
		"too large": {func(c *secrets.Change) error {
			var errs []error
			for _, name := range names("large", 20) {
				errs = append(errs, c.SetSecret(name, secrets.Bytes(make([]byte, secrets.MaxValue))))
			}
			return errors.Join(errs...)
		}, secrets.ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := f.clone(t)
			before := entries(t, f.store, "")
			err := f.org.Change(t.Context(), func(c *secrets.Change) error {
				if err := c.SetSecret("b", text("changed")); err != nil {
					return err
				}
				return test.change(c)
			})
			wantError(t, err, test.want)
			if after := entries(t, f.store, ""); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("something was written")
			}
		})
	}
}

func TestChangeDoesNotDeleteWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	crowded(t, f)
	remove := func(c *secrets.Change) error { return c.DeleteSecret("a", &secrets.DeleteOptions{Revoke: true}) }
	wantError(t, f.org.Change(t.Context(), remove), secrets.ErrLimit)
	update := func(c *secrets.Change) error { return c.SetSecret("a", text("two")) }
	wantError(t, f.org.Change(t.Context(), update), secrets.ErrLimit)
	want(t, lookup(t.Context(), f.api, "A"), "one")
}

func TestReadersSeeAChangeWholeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "login", "0")
	f.give(t, "password", "0")
	session := f.connect(t, f.token(t))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for writer := range 3 {
		wg.Go(func() {
			for n := range 20 {
				value := text(fmt.Sprint(writer, "-", n))
				err := f.org.Change(t.Context(), func(c *secrets.Change) error {
					return errors.Join(c.UpdateSecret("login", value, nil), c.UpdateSecret("password", value, nil))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); cancel() }()
	for ctx.Err() == nil {
		env, err := session.Environment(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		user, _ := env.Lookup("LOGIN")
		password, _ := env.Lookup("PASSWORD")
		if !user.Equal(password) {
			t.Fatalf("user %s with password %s", reveal(user), reveal(password))
		}
	}
	s, err := f.org.Secret(t.Context(), "login")
	if err != nil || s.Version != 61 {
		t.Errorf("version %d, %v: want one for each of 60 changes", s.Version, err)
	}
}

func TestChangeCreatesAgainWhatWasDeletedByHalf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	crowded(t, f)
	f.crash(t, 2, func(ctx context.Context, org *secrets.Organization) error { // the read, and the commit of the tombstone
		return org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
	})
	err := f.org.Change(t.Context(), func(c *secrets.Change) error { return c.CreateSecret("a", text("new")) })
	if err != nil {
		t.Fatal(err)
	}
	want(t, revealAll(t, f.org, "a"), "a=new ")
	want(t, lookup(t.Context(), f.api, "A"), "absent")
}

// Services are not among what a change reads, as far as its limits go.
func TestAChangeOfManyUnchangedSecretsBesideOneWithManyGranteesFits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	for _, name := range names("svc", 49) {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names("other", 49) {
		made(t)(f.org.CreateSecret(t.Context(), name, text("v")))
	}
	err := f.org.Change(t.Context(), func(c *secrets.Change) error {
		for _, name := range names("other", 49) {
			if err := c.SetSecret(name, text("v")); err != nil { // it has that already
				return err
			}
		}
		return c.SetSecret("a", text("two"))
	})
	if err != nil {
		t.Error(err)
	}
}
