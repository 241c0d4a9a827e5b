package torture_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

func TestMoreCallsThanConnectionsWaitForEachOther(t *testing.T) {
	t.Parallel()
	for _, connections := range []int{1, 2} {
		t.Run(fmt.Sprint(connections), func(t *testing.T) {
			t.Parallel()
			pool, store := smallPool(t, connections)
			p := newPlatform(t, store, "0")
			var group sync.WaitGroup
			for i := range 12 {
				session := p.connect(t, store)
				group.Go(func() {
					name := secrets.Name(fmt.Sprint("own-", i))
					for n := range 3 {
						_, err1 := p.org.SetSecret(t.Context(), name, secrets.Text(fmt.Sprint(n)))
						_, err2 := session.Environment(t.Context())
						if err := errors.Join(err1, err2); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
			p.wantClean(t)
			wantGivenBack(t, pool)
		})
	}
}

// Somebody else, who shares the pool, has all its connections.
func TestCallsWithoutAConnectionEndWithTheirContext(t *testing.T) {
	t.Parallel()
	pool, store := smallPool(t, 2)
	p := newPlatform(t, store, "before")
	session := p.connect(t, store)
	live, stop := watch(t, session)
	giveBack := takeAll(t, pool)

	calls := p.writes()
	calls["Environment"] = func(ctx context.Context) error { _, err := session.Environment(ctx); return err }
	calls["Reveal"] = func(ctx context.Context) error { _, err := p.org.RevealSecret(ctx, "a"); return err }
	var group sync.WaitGroup
	for what, call := range calls {
		group.Go(func() {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err := call(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, secrets.ErrUnknownOutcome) {
				t.Errorf("%s: got %v, want %v and nothing else", what, err, context.DeadlineExceeded)
			}
			if took := time.Since(begin); took > slack {
				t.Errorf("%s took %v", what, took)
			}
		})
	}
	group.Wait()

	giveBack()
	p.wantValue(t, "before")
	p.wantClean(t)
	must(p.org.UpdateSecret(t.Context(), "a", secrets.Text("after"), nil))(t)
	eventuallyTrue(t, "the watch goes on", func() bool { return live.Get().A == "after" })
	stop()
	wantGivenBack(t, pool)
}

func smallPool(t *testing.T, connections int) (*pgxpool.Pool, *postgres.Store) {
	t.Helper()
	server := ownPostgres(t, "-c fsync=off")
	pool := must(pgxpool.New(t.Context(), fmt.Sprintf("%s pool_max_conns=%d", server.DSN, connections)))(t)
	t.Cleanup(pool.Close)
	store := must(postgres.OpenPool(t.Context(), pool, nil))(t)
	t.Cleanup(func() { _ = store.Close() })
	return pool, store
}

func takeAll(t *testing.T, pool *pgxpool.Pool) (giveBack func()) {
	t.Helper()
	var taken []*pgxpool.Conn
	for range pool.Config().MaxConns {
		taken = append(taken, must(pool.Acquire(t.Context()))(t))
	}
	return func() {
		for _, conn := range taken {
			conn.Release()
		}
	}
}

// wantGivenBack is for a pool that nobody uses any more.
func wantGivenBack(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	eventuallyTrue(t, "all connections are given back", func() bool { return pool.Stat().AcquiredConns() == 0 })
	if err := pool.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
