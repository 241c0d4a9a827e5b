package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/bench/byhand"
	"github.com/seed-9f6dc42a/secrets/bench/byhand/pg"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

const apps = 16 // that read at the same time

// throughput measures many sessions on one server, beside a loop over pgx.
var throughput = study{
	name: "throughput/postgres", unit: perSecond,
	claims: []claim{{work: "16 concurrent `Session.Environment` on PostgreSQL", other: "a loop over pgx, by hand", least: 0.8}},
	setup: func(l *lab) (*race, error) {
		dsn, schema, err := l.postgres()
		if err != nil {
			return nil, err
		}
		dsn += " pool_max_conns=16"
		store, err := postgres.Open(l.ctx, dsn, &postgres.Options{Schema: schema})
		if err != nil {
			return nil, err
		}
		a, err := l.acmeIn(store)
		if err != nil {
			return nil, err
		}
		pool, err := pgxpool.New(l.ctx, dsn)
		if err != nil {
			return nil, err
		}
		ours, hand, err := l.manyApps(a, pg.New(pool, schema))
		return &race{close: func() { pool.Close(); _ = store.Close() }, ways: []way{
			l.rate("ours", ours),
			l.rate("a loop over pgx, by hand", hand),
		}}, err
	},
}

// manyApps returns what each of the apps does, ours and by hand.
func (l *lab) manyApps(a *acme, reads byhand.Reads) (ours, hand []func(context.Context) error, err error) {
	for range apps {
		session, err := secrets.Connect(l.ctx, a.store, a.token)
		if err != nil {
			return nil, nil, err
		}
		app, err := byhand.Open(l.ctx, reads, a.token.Reveal())
		if err != nil {
			return nil, nil, err
		}
		ours = append(ours, func(ctx context.Context) error {
			env, err := session.Environment(ctx)
			return checkLen(env.Len, err)
		})
		hand = append(hand, func(ctx context.Context) error {
			values, err := app.Environment(ctx)
			return checkLen(func() int { return len(values) }, err)
		})
	}
	return ours, hand, nil
}

// rate is a way whose figure is how often a second all of them together do it.
func (l *lab) rate(name string, all []func(context.Context) error) way {
	window := time.Second
	if l.quick {
		window /= 4
	}
	return way{name, func(ctx context.Context) (float64, error) {
		var group sync.WaitGroup
		var done atomic.Int64
		var failed atomic.Pointer[error]
		start := time.Now()
		for _, do := range all {
			group.Go(func() {
				for time.Since(start) < window && failed.Load() == nil {
					if err := do(ctx); err != nil {
						failed.Store(&err)
						return
					}
					done.Add(1)
				}
			})
		}
		group.Wait()
		if err := failed.Load(); err != nil {
			return 0, *err
		}
		return float64(done.Load()) / time.Since(start).Seconds(), nil
	}}
}
