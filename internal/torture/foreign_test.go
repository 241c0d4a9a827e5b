package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// Others may write to the table of a Store too: a script of an operator's, say.
// They know nothing of the locks that a Store takes, and may deadlock with it.

// Foreign transactions look at the whole table and rewrite rows as they are.
func TestHistoriesBesideForeignTransactionsAreLinearizable(t *testing.T) {
	t.Parallel()
	server := ownPostgres(t, "-c fsync=off -c deadlock_timeout=20ms")
	var ours refusals
	open := func() storage.Store {
		return &watched{openPostgres(t, server.DSN+" pool_max_conns=6 default_transaction_isolation=serializable"), ours.add}
	}
	root, stores, rounds, seen := newRoot(t), []storage.Store{open(), open()}, 12, tally{}
	if long() {
		rounds = 150
	}
	theirs := rewriteRows(t, server.DSN)
	for seed := range rounds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRound(t, stores[0], root, uint64(seed))
			r.play(t.Context(), stores...)
			r.judge(t, seen)
			r.end(t, stores[0])
		})
	}
	seen.wantEverything(t)
	if n := ours.serialization.Load(); n > 0 {
		t.Errorf("%d commits were not serializable, although each says that it is to be READ COMMITTED", n)
	}
	if theirs.serialization.Load() == 0 {
		t.Error("nobody met anybody")
	}
	t.Attr("deadlocks", fmt.Sprint(ours.deadlocks.Load()+theirs.deadlocks.Load()))
	t.Attr("serialization", fmt.Sprint(theirs.serialization.Load()))
}

func openPostgres(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// refusals counts how often the server has given way to somebody else.
type refusals struct{ deadlocks, serialization atomic.Int64 }

func (r *refusals) add(err error) {
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "SQLSTATE 40P01"):
		r.deadlocks.Add(1)
	case strings.Contains(err.Error(), "SQLSTATE 40001"):
		r.serialization.Add(1)
	}
}

// A watched store tells what became of its commits.
type watched struct {
	storage.Store
	committed func(error)
}

func (w *watched) Commit(ctx context.Context, b storage.Batch) error {
	_, err := w.CommitVersion(ctx, b)
	return err
}

func (w *watched) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	version, err := storage.Commit(ctx, w.Store, b)
	w.committed(err)
	return version, err
}

// rewriteRows goes on until the end of the test.
func rewriteRows(t *testing.T, dsn string) (seen *refusals) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	seen = &refusals{}
	for range 3 {
		group.Go(func() {
			for t.Context().Err() == nil {
				seen.add(rewriteSome(t.Context(), pool))
				time.Sleep(time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { // the context has ended
		group.Wait()
		pool.Close()
	})
	return seen
}

func rewriteSome(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT key FROM secrets.entries")
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for range min(4, len(keys)) {
			if err == nil {
				err = rewrite(ctx, tx, keys[rand.IntN(len(keys))])
			}
		}
		return err
	})
}

func rewrite(ctx context.Context, tx pgx.Tx, key string) error {
	_, err := tx.Exec(ctx, "UPDATE secrets.entries SET value = value WHERE key = $1", key)
	return err
}

// A foreign transaction has the row that a commit writes last, and waits for the
// one that it writes first.
func TestUpdateThatTheServerEndsForADeadlockIsRepeated(t *testing.T) {
	t.Parallel()
	server := ownPostgres(t, "-c fsync=off -c deadlock_timeout=200ms")
	foreign, err := pgxpool.New(t.Context(), server.DSN+" deadlock_timeout=1s") // which is the second to notice
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	store := &obstructed{Store: openPostgres(t, server.DSN)}
	p := newPlatform(t, store, "before")
	for n := 1; store.conflicts == 0; n++ { // on a busy machine the foreign one is late
		value := fmt.Sprint("after ", n)
		store.obstruct = func(b storage.Batch) (wait func()) { return standInTheWay(t, foreign, b) }
		if _, err := p.org.UpdateSecret(t.Context(), "a", secrets.Text(value), nil); err != nil {
			t.Fatal(err)
		}
		p.wantValue(t, value)
		if n == 20 {
			t.Fatal("the server has never chosen the commit")
		}
	}
	p.wantClean(t)
	t.Attr("deadlocks", fmt.Sprint(store.conflicts))
}

// An obstructed store lets somebody get in the way of its next commit.
type obstructed struct {
	storage.Store
	obstruct  func(storage.Batch) (wait func())
	conflicts int
}

func (o *obstructed) Commit(ctx context.Context, b storage.Batch) error {
	if o.obstruct == nil {
		return o.Store.Commit(ctx, b)
	}
	wait := o.obstruct(b)
	o.obstruct = nil
	err := o.Store.Commit(ctx, b)
	wait()
	if errors.Is(err, storage.ErrConflict) {
		o.conflicts++
	}
	return err
}

// standInTheWay locks the row that a batch writes last, and the one that it writes
// first when it waits. wait is called after the commit, and returns when all that
// is over.
func standInTheWay(t *testing.T, pool *pgxpool.Pool, b storage.Batch) (wait func()) {
	t.Helper()
	rows := written(t, pool, b)
	tx := must(pool.Begin(t.Context()))(t)
	if err := rewrite(t.Context(), tx, rows[len(rows)-1]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		defer func() { _ = tx.Rollback(t.Context()) }()
		const sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
		for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
			if err := pool.QueryRow(ctx, sql).Scan(&waiting); err != nil {
				return
			}
		}
		_ = rewrite(t.Context(), tx, rows[0]) // unless it is the one that the server ends
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// written returns the keys of the rows that a batch replaces, in its order.
func written(t *testing.T, pool *pgxpool.Pool, b storage.Batch) (keys []string) {
	t.Helper()
	for _, put := range b.Puts {
		const sql = "SELECT count(*) FROM secrets.entries WHERE key = $1"
		var n int
		if err := pool.QueryRow(t.Context(), sql, put.Key).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			keys = append(keys, put.Key)
		}
	}
	if len(keys) < 2 {
		t.Fatalf("%d rows are replaced, want two", len(keys))
	}
	return keys
}
