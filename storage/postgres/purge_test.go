package postgres_test

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// openImpatient opens a store whose Purge waits for nobody long.
func openImpatient(t *testing.T, schema string, patience time.Duration) *postgres.Store {
	t.Helper()
	opts := &postgres.Options{Schema: schema}
	opts.SetPatience(patience)
	s, err := postgres.OpenPool(t.Context(), newPool(t, nil), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// beginOther begins a transaction of somebody else.
func beginOther(t *testing.T, level pgx.TxIsoLevel, sql string) (end func()) {
	t.Helper()
	tx, err := newPool(t, nil).BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// CLUSTER keeps a dead row for a transaction that could still see it.
func TestPurgeDoesNotSucceedBesideAnOlderTransaction(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]struct {
		level pgx.TxIsoLevel
		sql   string
	}{
		"that reads": {pgx.RepeatableRead, "SELECT 1"},
		"that wrote": {pgx.ReadCommitted, "SELECT pg_current_xact_id()"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := newName("held")
			s := openImpatient(t, schema, 300*time.Millisecond)
			commit(t, s, put("a", "1"))
			end := beginOther(t, other.level, other.sql)
			commit(t, s, put("a", "2"))
			err := s.Purge(t.Context())
			wantError(t, err, storage.ErrUnavailable)
			if err != nil && !strings.Contains(err.Error(), "began before") {
				t.Errorf("Purge: %v does not say why", err)
			}
			wantValue(t, s, "a", "2")

			patient := openImpatient(t, schema, time.Minute)
			done := make(chan error, 1)
			go func() { done <- patient.Purge(t.Context()) }()
			time.Sleep(200 * time.Millisecond)
			wantValue(t, s, "a", "2") // nobody waits while it waits
			end()
			if err := <-done; err != nil {
				t.Errorf("Purge after the transaction has ended: %v", err)
			}
			wantValue(t, s, "a", "2")
		})
	}
}

func TestPurgeWaitsForALockNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	schema := newName("locked")
	s := openImpatient(t, schema, 200*time.Millisecond)
	commit(t, s, put("a", "1"))
	end := beginOther(t, pgx.ReadCommitted, "SELECT count(*) FROM "+schema+".entries")
	err := s.Purge(t.Context())
	wantError(t, err, storage.ErrUnavailable)
	if err != nil && !strings.Contains(err.Error(), "table locked") {
		t.Errorf("Purge: %v does not say why", err)
	}

	patient := openImpatient(t, schema, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	wantError(t, patient.Purge(ctx), context.DeadlineExceeded)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Purge took %v with a context of 100 ms", took)
	}
	done := make(chan error, 1)
	go func() { done <- patient.Purge(t.Context()) }()
	time.Sleep(100 * time.Millisecond)
	begin = time.Now()
	wantValue(t, s, "a", "1") // queues behind Purge, and is let through
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("a reader waited %v", took)
	}
	end()
	if err := <-done; err != nil {
		t.Errorf("Purge after the lock was given up: %v", err)
	}
	wantValue(t, s, "a", "1")
}

func TestPurgeEndsWithTheStore(t *testing.T) {
	t.Parallel()
	schema := newName("ended")
	s := openImpatient(t, schema, time.Minute)
	commit(t, s, put("a", "1"))
	end := beginOther(t, pgx.ReadCommitted, "SELECT count(*) FROM "+schema+".entries")
	defer end()
	done := make(chan error, 1)
	go func() { done <- s.Purge(context.Background()) }()
	time.Sleep(100 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, <-done, storage.ErrClosed)
}

// TestPurgeIsForTheOwner: VACUUM would warn, and do nothing.
func TestPurgeIsForTheOwner(t *testing.T) {
	t.Parallel()
	schema, owner, writer := newName("owned"), newName("owner"), newName("writer")
	execute(t,
		"CREATE ROLE "+owner+" LOGIN", "CREATE ROLE "+writer+" LOGIN",
		"CREATE SCHEMA "+schema+" AUTHORIZATION "+owner,
		"GRANT USAGE ON SCHEMA "+schema+" TO "+writer,
	)
	s := openPool(t, newPool(t, as(owner)), schema)
	commit(t, s, put("a", "1"))
	execute(t, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+schema+".entries TO "+writer)
	wantError(t, openPool(t, newPool(t, as(writer)), schema).Purge(t.Context()), fs.ErrPermission)
	if err := s.Purge(t.Context()); err != nil {
		t.Errorf("Purge by the owner: %v", err)
	}
	wantValue(t, s, "a", "1")
}

// To a snapshot that is older than a rewriting ALTER TABLE the table is empty.
// Where repeatable read is the default, a reader who waits for the lock has one.
func TestPurgeHidesNothingFromAReaderWithASnapshot(t *testing.T) {
	t.Parallel()
	schema := newName("snapshot")
	s := open(t, schema)
	commit(t, s, put("a", "1"))
	reader := openPool(t, newPool(t, func(config *pgxpool.Config) {
		config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	}), schema)
	going, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for going.Err() == nil {
				if found, err := reader.Get(t.Context(), "a"); err != nil || len(found) != 1 {
					t.Errorf("%d entries, %v", len(found), err)
				}
			}
		})
	}
	for range 10 {
		if err := s.Purge(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	group.Wait()
}
