package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

func TestSeveralMayCreateTheTableAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		schema := newName("create")
		var group sync.WaitGroup
		errs := make(chan error, 8)
		for i := range cap(errs) {
			pool := newPool(t, nil)
			group.Go(func() {
				s, err := postgres.OpenPool(t.Context(), pool, &postgres.Options{Schema: schema})
				if err == nil {
					err = s.Commit(t.Context(), put(fmt.Sprint(i), "1"))
				}
				errs <- err
			})
		}
		group.Wait()
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		found, err := open(t, schema).List(t.Context(), "", "", 100)
		if err != nil || len(found) != cap(errs) {
			t.Errorf("%d entries of %d, %v", len(found), cap(errs), err)
		}
	}
}

func TestTableOfAnotherApplicationIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, comment := range map[string]string{
		"without a comment": "NULL",
		"another comment":   "'ours'",
		"no version":        "'github.com/seed-9f6dc42a/secrets storage/postgres version 0'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := newName("foreign")
			execute(t, "CREATE SCHEMA "+schema, "CREATE TABLE "+schema+".entries (key text)", "COMMENT ON TABLE "+schema+".entries IS "+comment)
			_, err := postgres.Open(t.Context(), server.DSN, &postgres.Options{Schema: schema})
			wantError(t, err, postgres.ErrForeign)
			execute(t, "SELECT key FROM "+schema+".entries")
		})
	}
}

func TestSchemaNamesAreQuotedOrRefused(t *testing.T) {
	t.Parallel()
	long := "a very long name that has exactly sixty-three bytes, no more, -"[:63]
	for _, schema := range []string{newName(`Quotes " and ' and \ and %s`), newName("UPPER"), newName("select"), newName("é"), long} {
		execute(t, "DROP SCHEMA IF EXISTS \""+long+"\" CASCADE")
		s := open(t, schema)
		commit(t, s, put("a", "1"))
		wantValue(t, open(t, schema), "a", "1")
		if _, err := s.Changes(t.Context()); err != nil {
			t.Errorf("%q: %v", schema, err)
		}
	}
	for _, schema := range []string{long + "-", "nul\x00", "pg_reserved"} {
		if _, err := postgres.Open(t.Context(), server.DSN, &postgres.Options{Schema: schema}); err == nil {
			t.Errorf("%q was taken", schema)
		}
	}
}

func TestSchemasShareNothing(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	a, b := openPool(t, pool, newName("one")), openPool(t, pool, newName("two"))
	commit(t, a, put("a", "1"))
	wantValue(t, b, "a", "absent")
	commit(t, b, storage.Batch{Checks: []storage.Check{{Key: "a"}}})
}

// TestServersSettingsDoNotWeakenACommit gives the role defaults under which a
// check would look at an old snapshot, and a commit would not wait for the
// disk. A trigger sees what is in force.
func TestServersSettingsDoNotWeakenACommit(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable", "read committed"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			schema, role := newName("settings"), newName("role")
			_ = open(t, schema).Close()
			execute(t,
				"CREATE TABLE "+schema+".seen (text text)",
				"CREATE FUNCTION "+schema+".see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "+schema+
					".seen VALUES (current_setting('transaction_isolation') || ', ' || current_setting('synchronous_commit')); RETURN NULL; END $$",
				"CREATE TRIGGER see AFTER INSERT OR UPDATE ON "+schema+".entries EXECUTE FUNCTION "+schema+".see()",
				"CREATE ROLE "+role+" LOGIN SUPERUSER",
				"ALTER ROLE "+role+" SET default_transaction_isolation = '"+isolation+"'",
				"ALTER ROLE "+role+" SET synchronous_commit = off",
			)
			pool := newPool(t, as(role))
			s := openPool(t, pool, schema)
			commit(t, s, put("a", "1"))
			var seen string
			if err := pool.QueryRow(t.Context(), "SELECT text FROM "+schema+".seen").Scan(&seen); err != nil {
				t.Fatal(err)
			}
			if seen != "read committed, on" {
				t.Errorf("in force at the commit: %s", seen)
			}
			var after string
			if err := pool.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&after); err != nil || after != "off" {
				t.Errorf("the setting of the connection is %q afterwards, %v", after, err)
			}
		})
	}
}

// as has a pool log in as another role.
func as(role string) func(*pgxpool.Config) {
	return func(config *pgxpool.Config) {
		if config.ConnConfig.Database == "" { // it would be that of the role
			config.ConnConfig.Database = config.ConnConfig.User
		}
		config.ConnConfig.User = role
	}
}
