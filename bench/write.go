package main

import (
	"context"
	"fmt"

	"github.com/seed-9f6dc42a/secrets"
)

// writes measures what an administrator does most, over each driver that keeps
// what it is given: the commit is most of it.
func writes() (list []study) {
	for _, driver := range durableDrivers {
		list = append(list, study{
			name: "create/" + driver, unit: nanoseconds,
			claims: []claim{{work: "Create a secret, " + driver, other: "raw commit of the same records", most: 1.2, explain: commitAndReads}},
			setup:  func(l *lab) (*race, error) { return l.creation(driver) },
		})
		for _, grantees := range []int{0, 10} {
			list = append(list, study{
				name: fmt.Sprintf("update%d/%s", grantees, driver), unit: nanoseconds,
				claims: []claim{{
					work:  fmt.Sprintf("Update a secret with %d grantees, %s", grantees, driver),
					other: "raw commit of the same records", most: 1.2, explain: commitAndReads,
				}},
				setup: func(l *lab) (*race, error) { return l.update(driver, grantees) },
			})
		}
	}
	return append(list, linear, flat, flatBeside)
}

var commitAndReads = shares("raw commit of the same records", "the reads alone")

// written is an organization whose commits are recorded.
func (l *lab) written(driver string) (*acme, *recorder, error) {
	store, err := l.store(driver)
	if err != nil {
		return nil, nil, err
	}
	r := &recorder{Store: store}
	a, err := l.acmeIn(r)
	return a, r, err
}

func (l *lab) creation(driver string) (*race, error) {
	a, r, err := l.written(driver)
	if err != nil {
		return nil, err
	}
	created := 0
	return &race{close: closer(r), ways: []way{
		r.ours("ours", func(ctx context.Context) error {
			created++
			_, err := a.org.CreateSecret(ctx, other(created), secrets.Text(value(0)))
			return err
		}),
		r.raw("raw commit of the same records"),
		r.readsAlone(),
	}}, nil
}

func (l *lab) update(driver string, grantees int) (*race, error) {
	a, r, err := l.written(driver)
	if err != nil {
		return nil, err
	}
	if err := l.grant(a, "granted", grantees); err != nil {
		return nil, err
	}
	return &race{close: closer(r), ways: []way{
		r.ours("ours", updater(a, "granted")),
		r.raw("raw commit of the same records"),
		r.readsAlone(),
	}}, nil
}

// grant creates a secret, and so many services that are granted it.
func (l *lab) grant(a *acme, secret secrets.Name, grantees int) error {
	if _, err := a.org.CreateSecret(l.ctx, secret, secrets.Text(value(0))); err != nil {
		return err
	}
	for i := range grantees {
		service, err := a.org.CreateService(l.ctx, secrets.Name(fmt.Sprintf("%s-%04d", secret, i)))
		if err != nil {
			return err
		}
		if _, err := service.Grant(l.ctx, secret, ""); err != nil {
			return err
		}
	}
	return nil
}

// updater gives a secret another value at each call.
func updater(a *acme, secret secrets.Name) func(context.Context) error {
	updates := 0
	return func(ctx context.Context) error {
		updates++
		_, err := a.org.UpdateSecret(ctx, secret, secrets.Text(value(updates)), nil)
		return err
	}
}

// linear measures what a grantee costs where there are more than fit a commit.
var linear = study{
	name: "update1000/sqlite", unit: nanoseconds,
	claims: []claim{
		{
			work: "Update a secret with 1,000 grantees, SQLite, for each grantee", other: "for each of 200", most: 1.2,
			explain: shares("raw commits of the same records"),
		},
	},
	setup: func(l *lab) (*race, error) {
		a, r, err := l.written("sqlite")
		if err != nil {
			return nil, err
		}
		most, few := 1000.0, 200.0
		if l.quick {
			most = 400
		}
		if err := l.grant(a, "few", int(few)); err != nil {
			return nil, err
		}
		if err := l.grant(a, "most", int(most)); err != nil {
			return nil, err
		}
		return &race{close: closer(r), ways: []way{
			divided(r.ours("ours", updater(a, "most")), most),
			divided(r.raw("raw commits of the same records"), most),
			divided(r.ours("for each of 200", updater(a, "few")), few),
		}}, nil
	},
}

// divided is a way whose figure is a part of another's.
func divided(w way, by float64) way {
	return way{w.name, func(ctx context.Context) (float64, error) {
		figure, err := w.measure(ctx)
		return figure / by, err
	}}
}
