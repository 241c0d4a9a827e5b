package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// A later version of this package has these migrations more.
var later = []string{
	"ALTER TABLE %[1]s.entries ADD COLUMN second int NOT NULL DEFAULT 2", // fails the second time
	"ALTER TABLE %[1]s.entries ADD COLUMN third int NOT NULL DEFAULT 3",
}

// openLater opens the store as a program does that has more migrations.
func openLater(t testing.TB, schema string, more ...string) (*postgres.Store, error) {
	t.Helper()
	s, err := postgres.OpenPool(t.Context(), newPool(t, nil), options(schema, more...))
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func options(schema string, more ...string) *postgres.Options {
	opts := &postgres.Options{Schema: schema}
	opts.AddMigrations(more...)
	return opts
}

// columns are those of the table, and its comment.
func columns(t testing.TB, schema string) (names []string) {
	t.Helper()
	const sql = `SELECT array_agg(attname::text ORDER BY attnum) || obj_description($1::regclass, 'pg_class')
		FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`
	if err := newPool(t, nil).QueryRow(t.Context(), sql, schema+".entries").Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

func wantColumns(t testing.TB, schema string, version int, more ...string) {
	t.Helper()
	comment := fmt.Sprint("github.com/seed-9f6dc42a/secrets storage/postgres version ", version)
	if diff := cmp.Diff(slices.Concat([]string{"key", "value", "version"}, more, []string{comment}), columns(t, schema)); diff != "" {
		t.Errorf("columns and comment (-want +got):\n%s", diff)
	}
}

func TestOlderTableIsMigratedWithItsEntries(t *testing.T) {
	t.Parallel()
	schema := newName("older")
	old := open(t, schema)
	commit(t, old, put("a", "1"))
	commit(t, old, put("b", "2"))
	before, err := old.List(t.Context(), "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for n := range later {
		s, err := openLater(t, schema, later[:n+1]...)
		if err != nil {
			t.Fatal(err)
		}
		wantColumns(t, schema, n+2, []string{"second", "third"}[:n+1]...)
		after, err := s.List(t.Context(), "", "", 10)
		if diff := cmp.Diff(before, after); err != nil || diff != "" {
			t.Errorf("%v (-before +after):\n%s", err, diff)
		}
	}
	s, err := openLater(t, schema, later...)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, storage.Batch{Checks: []storage.Check{{Key: "a", Version: before[0].Version}}, Puts: []storage.Put{{Key: "a", Value: []byte("3")}}})
	now, err := s.Get(t.Context(), "a")
	if err != nil || len(now) != 1 || now[0].Version <= before[1].Version {
		t.Errorf("after a commit: %v, %v", now, err)
	}
}

func TestEveryMigrationRunsOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	schema := newName("empty")
	if _, err := openLater(t, schema, later...); err != nil {
		t.Fatal(err)
	}
	wantColumns(t, schema, 3, "second", "third")
}

func TestSeveralMayMigrateTheTableAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		schema := newName("together")
		commit(t, open(t, schema), put("a", "1"))
		var group sync.WaitGroup
		for i := range 8 {
			pool := newPool(t, nil)
			group.Go(func() {
				s, err := postgres.OpenPool(t.Context(), pool, options(schema, later...))
				if err == nil {
					err = s.Commit(t.Context(), put(fmt.Sprint(i), "1"))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wantColumns(t, schema, 3, "second", "third")
		s, err := openLater(t, schema, later...)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.List(t.Context(), "", "", 100); err != nil || len(found) != 9 {
			t.Errorf("%d entries of 9, %v", len(found), err)
		}
	}
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	schema := newName("failed")
	commit(t, open(t, schema), put("a", "1"))
	if _, err := openLater(t, schema, later[0], "ALTER TABLE %[1]s.entries ADD COLUMN second int"); err == nil {
		t.Error("no error")
	}
	wantColumns(t, schema, 1)
	wantValue(t, open(t, schema), "a", "1")
}

func TestNobodyWritesWhileTheTableIsMigrated(t *testing.T) {
	t.Parallel()
	schema := newName("writer")
	old := open(t, schema)
	commit(t, old, put("a", "1"))
	const stop = "COMMENT ON SCHEMA %[1]s IS NULL; SELECT pg_advisory_xact_lock(7341)" // which nobody else takes
	conn, err := newPool(t, nil).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(7341)"); err != nil {
		t.Fatal(err)
	}
	migrated, pool := make(chan error, 1), newPool(t, nil)
	go func() {
		_, err := postgres.OpenPool(t.Context(), pool, options(schema, stop))
		migrated <- err
	}()
	await(t, "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7341 AND NOT granted)")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := old.Commit(ctx, put("b", "1")); err == nil {
		t.Error("a commit came through")
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock(7341)"); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
	commit(t, old, put("c", "1"))
}

// await waits until a statement says that something is so.
func await(t *testing.T, sql string) {
	t.Helper()
	pool := newPool(t, nil)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var so bool
		if err := pool.QueryRow(t.Context(), sql).Scan(&so); err != nil {
			t.Fatal(err)
		}
		if so {
			return
		}
		if time.Now().After(end) {
			t.Fatal("after 30 seconds it is not so: " + sql)
		}
	}
}

func TestTableOfANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	schema := newName("newer")
	if _, err := openLater(t, schema, later...); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Open(t.Context(), server.DSN, &postgres.Options{Schema: schema})
	wantError(t, err, postgres.ErrNewer)
	if err != nil && !strings.Contains(err.Error(), "version 3, this program knows 1") {
		t.Errorf("got %v", err)
	}
	wantColumns(t, schema, 3, "second", "third")
}
