package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// TestLargeBatchesAndSmallOnesExcludeEachOther: a large one does not lock its
// keys one by one. Of two on duty each leaves if the other stays, and the
// second comes while the first is about to commit.
func TestLargeBatchesAndSmallOnesExcludeEachOther(t *testing.T) {
	t.Parallel()
	for _, largeFirst := range []bool{true, false} {
		t.Run(fmt.Sprint("large first ", largeFirst), func(t *testing.T) {
			t.Parallel()
			schema := newName("locks")
			s := open(t, schema)
			commit(t, s, storage.Batch{
				Checks: []storage.Check{{Key: "never-there"}},
				Puts:   []storage.Put{{Key: "x"}, {Key: "y"}},
			})
			large := storage.Batch{Checks: []storage.Check{{Key: "y", Version: version(t, s, "y")}}, Deletes: []string{"x"}}
			small := storage.Batch{Checks: []storage.Check{{Key: "x", Version: version(t, s, "x")}}, Deletes: []string{"y"}}
			for i := range postgres.MaxLocks {
				large.Puts = append(large.Puts, storage.Put{Key: fmt.Sprint(i)})
			}
			first, second := &small, &large
			if largeFirst {
				first, second = second, first
			}
			slowWrites(t, schema, "slow", "0.5")
			first.Puts = append(first.Puts, storage.Put{Key: "slow"})

			done := make(chan error, 1)
			go func() { done <- s.Commit(t.Context(), *first) }()
			time.Sleep(100 * time.Millisecond)
			wantError(t, s.Commit(t.Context(), *second), storage.ErrConflict)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBatchesNeverWaitInACircle: PostgreSQL would notice a deadlock after a
// second, and end one of the transactions.
func TestBatchesNeverWaitInACircle(t *testing.T) {
	t.Parallel()
	schema := newName("circle")
	var group sync.WaitGroup
	for range 4 {
		s := open(t, schema)
		group.Go(func() {
			for range 50 {
				batch := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
				for _, i := range rand.Perm(6)[:4] {
					batch.Puts = append(batch.Puts, storage.Put{Key: fmt.Sprint(i)})
				}
				if rand.IntN(4) == 0 {
					for i := range postgres.MaxLocks {
						batch.Deletes = append(batch.Deletes, fmt.Sprint("none/", i))
					}
				}
				if err := s.Commit(t.Context(), batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestBatchTakesFewLocks asks, by a trigger, how many of the server's locks a
// commit has.
func TestBatchTakesFewLocks(t *testing.T) {
	t.Parallel()
	schema := newName("few")
	s := open(t, schema)
	execute(t,
		"CREATE TABLE "+schema+".seen (locks int)",
		"CREATE FUNCTION "+schema+".see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "+schema+
			".seen SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid(); RETURN NULL; END $$",
		"CREATE TRIGGER see AFTER INSERT ON "+schema+".entries EXECUTE FUNCTION "+schema+".see()",
	)
	for n, want := range map[int]int{1: 3, postgres.MaxLocks - 1: postgres.MaxLocks + 1, postgres.MaxLocks: 1, storage.MaxWrites: 1} {
		batch := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
		for i := range n {
			batch.Puts = append(batch.Puts, storage.Put{Key: fmt.Sprint(i)})
		}
		execute(t, "DELETE FROM "+schema+".seen")
		commit(t, s, batch)
		var locks int
		if err := newPool(t, nil).QueryRow(t.Context(), "SELECT locks FROM "+schema+".seen").Scan(&locks); err != nil {
			t.Fatal(err)
		}
		if locks != want {
			t.Errorf("a batch with %d writes took %d locks, want %d", n, locks, want)
		}
	}
}

func TestReadsUseTheIndex(t *testing.T) {
	t.Parallel()
	schema := newName("plan")
	s := open(t, schema)
	execute(t, "INSERT INTO "+schema+".entries SELECT 'key/' || i, 'value', i FROM generate_series(1, 20000) i", "ANALYZE "+schema+".entries")
	pool := newPool(t, nil)
	get, list, listAll := s.Statements()
	for _, query := range []struct {
		sql  string
		args []any
	}{
		{get, []any{[]string{"key/1", "key/2"}}},
		{list, []any{"key/10", "key/", "key0", 50}},
		{listAll, []any{"key/10", 50}},
	} {
		rows, err := pool.Query(t.Context(), "EXPLAIN "+query.sql, query.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		text := strings.Join(plan, "\n")
		if rows.Err() != nil || !strings.Contains(text, "entries_pkey") || strings.Contains(text, "Sort") {
			t.Errorf("%s: %v\n%s", query.sql, rows.Err(), text)
		}
	}
}

// TestCommitUsesTheIndex in a table that was small when the server last looked
// at it, and for as long as a connection keeps a plan. A trigger sees what the
// transaction has scanned.
func TestCommitUsesTheIndex(t *testing.T) {
	t.Parallel()
	schema := newName("scans")
	reader, s := open(t, schema), open(t, schema) // the counts are those of a connection
	commit(t, reader, put("a", "1"))
	execute(t,
		"ANALYZE "+schema+".entries",
		"CREATE TABLE "+schema+".seen (scans bigint)",
		"CREATE FUNCTION "+schema+".see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "+schema+
			".seen SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = TG_RELID; RETURN NULL; END $$",
		"CREATE TRIGGER see AFTER INSERT ON "+schema+".entries EXECUTE FUNCTION "+schema+".see()",
	)
	for range 10 {
		batch := put("a", "2")
		batch.Checks = append(batch.Checks, storage.Check{Key: "a", Version: version(t, reader, "a")})
		batch.Deletes = []string{"b"}
		commit(t, s, batch)
	}
	var commits, scans int
	row := newPool(t, nil).QueryRow(t.Context(), "SELECT count(*), sum(scans) FROM "+schema+".seen")
	if err := row.Scan(&commits, &scans); err != nil || commits != 10 || scans != 0 {
		t.Errorf("%d commits scanned the table %d times, %v", commits, scans, err)
	}
}
