package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// TestCommitThatWaitsEndsWithItsContext has another session hold the table.
func TestCommitThatWaitsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	schema := newName("waits")
	s := open(t, schema)
	commit(t, s, put("a", "1"))
	pool := newPool(t, nil)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE "+schema+".entries"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err = s.Commit(ctx, put("a", "2"))
	wantError(t, err, storage.ErrUnknownOutcome)
	wantError(t, err, context.DeadlineExceeded)
	_, err = s.Get(ctx, "a")
	wantError(t, err, context.DeadlineExceeded)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit(t, s, put("b", "1"))
}

// TestCommitIsGivenAMomentForItsOutcome has a trigger take longer than the
// context lasts.
func TestCommitIsGivenAMomentForItsOutcome(t *testing.T) {
	t.Parallel()
	schema := newName("moment")
	s := open(t, schema)
	commit(t, s, put("a", "1"))
	slowWrites(t, schema, "slow", "0.03")
	for range 20 { // on a busy machine the moment may be over
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := s.Commit(ctx, put("slow", ""))
		ended := ctx.Err() != nil
		cancel()
		if err == nil && ended {
			return
		}
		if err != nil && !errors.Is(err, storage.ErrUnknownOutcome) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	t.Error("the outcome was never known after the end of the context")
}

// slowWrites has the server sleep, for some seconds, where a key is written.
func slowWrites(t testing.TB, schema, key, seconds string) {
	t.Helper()
	execute(t,
		"CREATE FUNCTION "+schema+".sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep("+seconds+"); RETURN new; END $$",
		"CREATE TRIGGER sleep BEFORE INSERT ON "+schema+".entries FOR EACH ROW WHEN (new.key = '"+key+"') EXECUTE FUNCTION "+schema+".sleep()",
	)
}

// A late context is at its deadline, which it has not noticed yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Unix(1, 0), true }

func TestConnectionThatIsFasterThanTheDeadlineIsNotTheServersFault(t *testing.T) {
	t.Parallel()
	s := open(t, newName("late"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Changes(late{ctx})
	wantError(t, err, context.DeadlineExceeded)
}

func TestCloseLeavesTheCallersPoolOpen(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	s := openPool(t, pool, newName("pool"))
	commit(t, s, put("a", "1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}
