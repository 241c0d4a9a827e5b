package secrets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// An operation is prepared, done, and then known to be done.
type operation struct {
	name    string
	crowd   bool // it is about more grantees than fit a batch
	prepare func(t *testing.T, f *fixture)
	warm    func(t *testing.T, org *secrets.Organization) // by the same handles, before anything goes wrong
	do      func(ctx context.Context, t *testing.T, f *fixture, org *secrets.Organization, client *secrets.Client) error
	already error // what repeating it may give when it was done
	verify  func(t *testing.T, f *fixture, org *secrets.Organization)
}

// begin does what comes before an operation, for what the handles then remember.
func (op operation) begin(t *testing.T, org *secrets.Organization) {
	t.Helper()
	if op.warm != nil {
		op.warm(t, org)
	}
}

func service(ctx context.Context, org *secrets.Organization, name secrets.Name, do func(*secrets.Service) error) error {
	s, err := org.Service(ctx, name)
	if err != nil {
		return err
	}
	return do(s)
}

func reads(env, value string) func(*testing.T, *fixture, *secrets.Organization) {
	return func(t *testing.T, f *fixture, org *secrets.Organization) {
		want(t, lookup(t.Context(), getService(t)(org.Service(t.Context(), "api")), env), value)
	}
}

const crowd = 110 // grantees, more than fit a batch

func crowded(t *testing.T, f *fixture) {
	t.Helper()
	f.give(t, "a", "one")
	for _, name := range names("svc", crowd) {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
}

func operations() []operation {
	granted := func(t *testing.T, f *fixture) { t.Helper(); f.give(t, "a", "zero"); f.give(t, "a", "one") }
	update := func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
		_, err := org.UpdateSecret(ctx, "a", text("two"), nil)
		return err
	}
	revoke := func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
		return service(ctx, org, "api", func(s *secrets.Service) error { return s.Revoke(ctx, "a") })
	}
	remove := func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
		return org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
	}
	nothingLeft := func(t *testing.T, f *fixture, org *secrets.Organization) {
		for _, prefix := range []string{"org/acme/env/", "org/acme/var/", "org/acme/access/", "org/acme/version/"} {
			if left := entries(t, f.store, prefix); len(left) > 0 {
				t.Errorf("%d records left under %s", len(left), prefix)
			}
		}
	}
	return []operation{
		{name: "create organization", already: secrets.ErrExists,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, _ *secrets.Organization, client *secrets.Client) error {
				_, err := client.CreateOrganization(ctx, "other")
				return err
			},
			verify: func(t *testing.T, f *fixture, _ *secrets.Organization) {
				get(t)(f.client.Organization(t.Context(), "other"))
			}},
		{name: "create secret", already: secrets.ErrExists,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				_, err := org.CreateSecret(ctx, "b", text("v"))
				return err
			},
			verify: func(t *testing.T, f *fixture, org *secrets.Organization) {
				v, err := org.RevealSecret(t.Context(), "b")
				if err != nil || reveal(v) != "v" {
					t.Errorf("got %v", err)
				}
			}},
		{name: "change",
			prepare: func(t *testing.T, f *fixture) { f.give(t, "a", "one"); f.give(t, "b", "one"); f.give(t, "c", "one") },
			already: secrets.ErrNotFound,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return org.Change(ctx, func(c *secrets.Change) error {
					return errors.Join(
						c.UpdateSecret("a", text("two"), nil), c.SetSecret("b", text("one")), c.SetSecret("d", text("two")),
						c.DeleteSecret("c", &secrets.DeleteOptions{Revoke: true}),
					)
				})
			},
			verify: func(t *testing.T, f *fixture, org *secrets.Organization) {
				want(t, revealAll(t, org, "a", "b", "c", "d"), "a=two b=one c absent d=two ")
				want(t, kept(t, f, org, "a"), "2=two 1=one") // once
				want(t, lookup(t.Context(), getService(t)(org.Service(t.Context(), "api")), "A"), "two")
			}},
		{name: "delete several", prepare: granted, already: secrets.ErrNotFound,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return org.Change(ctx, func(c *secrets.Change) error {
					return c.DeleteSecret("a", &secrets.DeleteOptions{Revoke: true})
				})
			}, verify: nothingLeft},
		{name: "confirm deletion", crowd: true,
			prepare: func(t *testing.T, f *fixture) {
				f.give(t, "b", "one")
				row := entries(t, f.store, "org/acme/env/api/b")
				f.crowdAndCrash(t)
				restore(t, f.store, row)
			},
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				_, err := org.ConfirmDeletion(ctx, "b")
				return err
			}, verify: nothingLeft},
		{name: "roll back",
			prepare: func(t *testing.T, f *fixture) { f.give(t, "a", "one"); f.give(t, "a", "two") },
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				_, err := org.RollbackSecret(ctx, "a", 1, nil)
				return err
			}, verify: reads("A", "one")},
		{name: "update", prepare: granted, do: update, verify: reads("A", "two")},
		{name: "update again", prepare: granted,
			warm: func(t *testing.T, org *secrets.Organization) {
				made(t)(org.UpdateSecret(t.Context(), "a", text("one and a half"), nil))
			},
			do: update, verify: reads("A", "two")},
		{name: "staged update", crowd: true, prepare: crowded, do: update, verify: reads("A", "two")},
		{name: "grant",
			prepare: func(t *testing.T, f *fixture) {
				if _, err := f.org.CreateSecret(t.Context(), "a", text("one")); err != nil {
					t.Fatal(err)
				}
			},
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return service(ctx, org, "api", func(s *secrets.Service) error { _, err := s.Grant(ctx, "a", ""); return err })
			}, verify: reads("A", "one")},
		{name: "grant elsewhere", prepare: granted,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return service(ctx, org, "api", func(s *secrets.Service) error { _, err := s.Grant(ctx, "a", "ELSEWHERE"); return err })
			}, verify: reads("ELSEWHERE", "one")},
		{name: "revoke", prepare: granted, do: revoke, verify: reads("A", "absent")},
		{name: "staged revoke", crowd: true, prepare: crowded, do: revoke, verify: reads("A", "absent")},
		{name: "delete", prepare: granted, do: remove, already: secrets.ErrNotFound, verify: nothingLeft},
		{name: "delete for many", crowd: true, prepare: crowded, do: remove, already: secrets.ErrNotFound, verify: nothingLeft},
		{name: "create service", already: secrets.ErrExists,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				_, err := org.CreateService(ctx, "web")
				return err
			},
			verify: func(t *testing.T, _ *fixture, org *secrets.Organization) {
				getService(t)(org.Service(t.Context(), "web"))
			}},
		{name: "issue token", prepare: granted,
			do: func(ctx context.Context, t *testing.T, f *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return service(ctx, org, "api", func(s *secrets.Service) error {
					token, err := s.IssueToken(ctx)
					if err == nil {
						want(t, lookup(t.Context(), f.connect(t, token), "A"), "one")
					}
					return err
				})
			}, verify: reads("A", "one")},
		{name: "revoke token",
			prepare: func(t *testing.T, f *fixture) {
				f.give(t, "a", "one")
				f.give(t, "b", "two")
				f.tokens = []secrets.Token{f.token(t), f.token(t)}
			},
			already: secrets.ErrNotFound,
			do: func(ctx context.Context, _ *testing.T, f *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return service(ctx, org, "api", func(s *secrets.Service) error { return s.RevokeToken(ctx, f.tokens[0].ID()) })
			},
			verify: func(t *testing.T, f *fixture, org *secrets.Organization) {
				_, err := secrets.Connect(t.Context(), f.store, f.tokens[0])
				wantError(t, err, secrets.ErrUnauthenticated)
				session := f.connect(t, f.tokens[1])
				want(t, lookup(t.Context(), session, "A"), "one")
				if _, err := org.UpdateSecret(t.Context(), "a", text("three"), nil); err != nil {
					t.Error(err)
				}
				want(t, lookup(t.Context(), session, "A"), "three")
			}},
		{name: "revoke expired tokens",
			prepare: func(t *testing.T, f *fixture) {
				f.give(t, "a", "one")
				f.give(t, "b", "two")
				f.tokens = []secrets.Token{f.tokenUntil(t, year2100), f.tokenUntil(t, year2100), f.token(t)}
			},
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return service(ctx, org, "api", func(s *secrets.Service) error {
					return failure(s.RevokeExpired(ctx, year2100))
				})
			},
			verify: func(t *testing.T, f *fixture, org *secrets.Organization) {
				for _, token := range f.tokens[:2] {
					wantError(t, failure(secrets.Connect(t.Context(), f.store, token)), secrets.ErrUnauthenticated)
				}
				session := f.connect(t, f.tokens[2])
				want(t, lookup(t.Context(), session, "A"), "one")
				made(t)(org.UpdateSecret(t.Context(), "a", text("three"), nil))
				want(t, lookup(t.Context(), session, "A"), "three")
			}},
		{name: "delete service", prepare: granted, already: secrets.ErrNotFound,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return org.DeleteService(ctx, "api")
			},
			verify: nothingLeftOf("org/acme/service/", "org/acme/token/", "org/acme/env/", "org/acme/var/")},
		{name: "delete organization", prepare: granted, already: secrets.ErrNotFound,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, _ *secrets.Organization, client *secrets.Client) error {
				return client.DeleteOrganization(ctx, "acme", &secrets.DeleteOptions{Revoke: true})
			},
			verify: nothingLeftOf("")},
		{name: "rotate key", prepare: varied,
			do: func(ctx context.Context, _ *testing.T, _ *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return org.RotateKey(ctx, nil)
			},
			verify: wantRotated},
		{name: "retire key", already: secrets.ErrNotFound,
			prepare: func(t *testing.T, f *fixture) {
				varied(t, f)
				f.stopBeforeRetiring(t)
			},
			do: func(ctx context.Context, _ *testing.T, f *fixture, org *secrets.Organization, _ *secrets.Client) error {
				return org.RetireKey(ctx, f.keys[0])
			},
			verify: wantRotated},
		{name: "rotate root", prepare: twoRoots,
			do: func(ctx context.Context, _ *testing.T, f *fixture, _ *secrets.Organization, client *secrets.Client) error {
				return client.RotateRoot(ctx, f.next, nil)
			},
			verify: wantNextRoot},
	}
}

// sweeping is apart from the others: an error of Sweep is about the step that it
// ended, and the report says what was done before.
func sweeping() operation {
	return operation{name: "sweep", prepare: halfDone,
		do: func(ctx context.Context, _ *testing.T, _ *fixture, _ *secrets.Organization, client *secrets.Client) error {
			_, err := client.Sweep(ctx)
			return err
		},
		verify: func(t *testing.T, f *fixture, _ *secrets.Organization) {
			if left := sweep(t, f.open(t, f.store)); left != (secrets.SweepReport{}) {
				t.Errorf("left to do: %+v", left)
			}
		}}
}

func nothingLeftOf(prefixes ...string) func(*testing.T, *fixture, *secrets.Organization) {
	return func(t *testing.T, f *fixture, _ *secrets.Organization) {
		for _, prefix := range prefixes {
			if left := entries(t, f.store, prefix); len(left) > 0 {
				t.Errorf("%d records left under %q", len(left), prefix)
			}
		}
	}
}
