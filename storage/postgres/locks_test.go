package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// TestLargeBatchesAndSmallOnesExcludeEachOther: a large one does not lock its
// keys one by one. Of two on duty each leaves if the other stays.
func TestLargeBatchesAndSmallOnesExcludeEachOther(t *testing.T) {
	t.Parallel()
	schema := newName("locks")
	large, small := open(t, schema), open(t, schema)
	applied := 0
	for range 30 {
		commit(t, large, storage.Batch{
			Checks: []storage.Check{{Key: "never-there"}},
			Puts:   []storage.Put{{Key: "x"}, {Key: "y"}},
		})
		x, y := version(t, large, "x"), version(t, large, "y")
		batch := storage.Batch{Checks: []storage.Check{{Key: "y", Version: y}}, Deletes: []string{"x"}}
		for i := range postgres.MaxLocks {
			batch.Puts = append(batch.Puts, storage.Put{Key: fmt.Sprint(i)})
		}
		var errs [2]error
		var group sync.WaitGroup
		group.Go(func() { errs[0] = large.Commit(t.Context(), batch) })
		group.Go(func() {
			errs[1] = small.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "x", Version: x}}, Deletes: []string{"y"}})
		})
		group.Wait()
		if errs[0] == nil && errs[1] == nil {
			t.Fatal("both have left")
		}
		for _, err := range errs {
			if err == nil {
				applied++
			} else {
				wantError(t, err, storage.ErrConflict)
			}
		}
	}
	if applied == 0 {
		t.Error("nobody has ever left")
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
