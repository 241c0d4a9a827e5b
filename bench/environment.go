package main

import (
	"context"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/bench/byhand"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// environments measures the environment of a session that is open, over each
// driver.
func environments() (list []study) {
	for _, driver := range drivers {
		list = append(list, study{
			name: "environment/" + driver, unit: nanoseconds,
			claims: []claim{{
				work: "`Session.Environment` of 50 secrets, warm, " + driver, other: "by hand", most: 1.3,
				explain: shares("the reads alone", "Tink alone"),
			}},
			setup: func(l *lab) (*race, error) { return l.environment(driver) },
		})
	}
	return list
}

func (l *lab) environment(driver string) (*race, error) {
	a, err := l.acme(driver)
	if err != nil {
		return nil, err
	}
	session, err := secrets.Connect(l.ctx, a.store, a.token)
	if err != nil {
		return nil, err
	}
	app, err := byhand.Open(l.ctx, a.store, a.token.Reveal())
	if err != nil {
		return nil, err
	}
	sealed, err := app.Read(l.ctx)
	if err != nil {
		return nil, err
	}
	parsed, err := app.Parse(sealed)
	if err != nil {
		return nil, err
	}
	return &race{close: closer(a.store), ways: []way{
		timed("ours", func(ctx context.Context) error {
			env, err := session.Environment(ctx)
			return checkLen(env.Len, err)
		}),
		timed("by hand", func(ctx context.Context) error {
			values, err := app.Environment(ctx)
			return checkLen(func() int { return len(values) }, err)
		}),
		timed("the reads alone", func(ctx context.Context) error { _, err := app.Read(ctx); return err }),
		timed("Tink alone", func(context.Context) error { _, err := app.Decrypt(parsed); return err }),
	}}, nil
}

// checkLen returns an error if there are not as many variables as were granted.
func checkLen(length func() int, err error) error {
	if err == nil && length() != variables {
		return errCount
	}
	return err
}

func closer(store storage.Store) func() { return func() { _ = store.Close() } }
