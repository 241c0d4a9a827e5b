package secrets_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// postgresServer is started by the first test that needs it, and ends with the
// process.
var postgresServer = sync.OnceValues(func() (*outside, error) {
	server, err := testserver.OpenPostgres()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(context.Background(), server.DSN)
	if err != nil {
		return nil, err
	}
	return newOutside(server, pool), nil
})

// newPostgres returns an empty store in a schema of its own.
func newPostgres(t testing.TB) storage.Store {
	t.Helper()
	o, err := postgresServer()
	testserver.Require(t, err)
	s := &postgresStore{outside: o}
	options := &postgres.Options{Schema: "test_" + strings.ToLower(rand.Text())}
	o.run(t.Context(), func(ctx context.Context) { s.store, err = postgres.OpenPool(ctx, o.pool, options) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outside has connections, and goroutines that use them outside of the bubbles
// of synctest: what was made in one bubble must not be used in another, and
// connections are.
type outside struct {
	server *testserver.Postgres // ends when nothing refers to it
	pool   *pgxpool.Pool
	idle   chan *worker
}

type worker struct {
	jobs  chan job
	ended chan chan struct{}
	done  chan struct{}
}

type job struct {
	run  func(context.Context)
	dead bool // the context has ended before
}

func newOutside(server *testserver.Postgres, pool *pgxpool.Pool) *outside {
	const workers = 32
	o := &outside{server, pool, make(chan *worker, workers)}
	for range workers {
		w := &worker{make(chan job), make(chan chan struct{}), make(chan struct{})}
		go func() {
			for j := range w.jobs {
				w.work(j)
			}
		}()
		o.idle <- w
	}
	return o
}

func (w *worker) work(j job) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{}, 1)
	w.ended <- ended
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	if j.dead {
		cancel()
	}
	j.run(ctx)
	w.done <- struct{}{}
}

// run has a worker call fn with a context that ends when ctx does.
func (o *outside) run(ctx context.Context, fn func(context.Context)) {
	w := <-o.idle
	w.jobs <- job{fn, ctx.Err() != nil}
	ended := <-w.ended
	stop := context.AfterFunc(ctx, func() { ended <- struct{}{} })
	<-w.done
	stop()
	o.idle <- w
}

// A postgresStore is called outside.
type postgresStore struct {
	outside *outside
	store   *postgres.Store
}

func (s *postgresStore) Get(ctx context.Context, keys ...string) (found []storage.Entry, err error) {
	s.outside.run(ctx, func(ctx context.Context) { found, err = s.store.Get(ctx, keys...) })
	return found, sameEnd(ctx, err)
}

func (s *postgresStore) List(ctx context.Context, prefix, after string, limit int) (found []storage.Entry, err error) {
	s.outside.run(ctx, func(ctx context.Context) { found, err = s.store.List(ctx, prefix, after, limit) })
	return found, sameEnd(ctx, err)
}

func (s *postgresStore) Commit(ctx context.Context, batch storage.Batch) (err error) {
	s.outside.run(ctx, func(ctx context.Context) { err = s.store.Commit(ctx, batch) })
	return sameEnd(ctx, err)
}

func (s *postgresStore) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	return s.store.Changes(ctx, prefixes...)
}

func (s *postgresStore) Close() (err error) {
	s.outside.run(context.Background(), func(context.Context) { err = s.store.Close() })
	return err
}

// sameEnd gives the end of a context the error of the caller's own.
func sameEnd(ctx context.Context, err error) error {
	if err == context.Canceled && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
