package postgres_test

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// TestRoleThatMayOnlyReadReads grants what the package comment says, and
// nothing else.
func TestRoleThatMayOnlyReadReads(t *testing.T) {
	t.Parallel()
	schema, role := newName("reader"), newName("apps")
	admin := open(t, schema)
	commit(t, admin, put("a", "1"))
	execute(t,
		"CREATE ROLE "+role+" LOGIN",
		"GRANT USAGE ON SCHEMA "+schema+" TO "+role,
		"GRANT SELECT ON "+schema+".entries TO "+role,
	)
	pool := newPool(t, as(role))
	app := openPool(t, pool, schema)
	wantValue(t, app, "a", "1")
	if found, err := app.List(t.Context(), "", "", 10); err != nil || len(found) != 1 {
		t.Errorf("List: %d entries, %v", len(found), err)
	}
	commit(t, app, storage.Batch{Checks: []storage.Check{{Key: "b"}}})

	signals, err := app.Changes(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, admin, put("a", "2"))
	<-signals
	wantValue(t, app, "a", "2")

	before := pool.Stat().NewConnsCount()
	for _, batch := range []storage.Batch{
		put("a", "3"), put("b", "3"),
		{Checks: []storage.Check{{Key: "b"}}, Deletes: []string{"a"}},
	} {
		wantError(t, app.Commit(t.Context(), batch), fs.ErrPermission)
	}
	if made := pool.Stat().NewConnsCount() - before; made > 0 {
		t.Errorf("%d connections were given up", made)
	}
	wantValue(t, app, "a", "2")
	wantValue(t, app, "b", "absent")
}

// TestRoleThatMayWriteNeedNotOwn is for a platform whose tables are created by
// somebody else.
func TestRoleThatMayWriteNeedNotOwn(t *testing.T) {
	t.Parallel()
	schema, role := newName("writer"), newName("platform")
	_ = open(t, schema).Close()
	execute(t,
		"CREATE ROLE "+role+" LOGIN",
		"GRANT USAGE ON SCHEMA "+schema+" TO "+role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON "+schema+".entries TO "+role,
		"GRANT USAGE ON SEQUENCE "+schema+".versions TO "+role,
	)
	s := openPool(t, newPool(t, as(role)), schema)
	commit(t, s, put("a", "1"))
	commit(t, s, put("a", "2"))
	commit(t, s, storage.Batch{Checks: []storage.Check{{Key: "b"}}, Deletes: []string{"a"}})
	wantValue(t, s, "a", "absent")
}

func TestRoleWithoutRightsIsRefused(t *testing.T) {
	t.Parallel()
	schema, role := newName("nobody"), newName("nobody")
	execute(t, "CREATE ROLE "+role+" LOGIN")
	pool := newPool(t, as(role))
	_, err := postgres.OpenPool(t.Context(), pool, &postgres.Options{Schema: schema})
	wantError(t, err, fs.ErrPermission)
	wantText(t, err, "the table is not there, and this role may not create it")

	_ = open(t, schema).Close()
	s, err := postgres.OpenPool(t.Context(), pool, &postgres.Options{Schema: schema})
	if err == nil {
		_, err = s.Get(t.Context(), "a")
	}
	wantError(t, err, fs.ErrPermission)
	wantText(t, err, "the role lacks a right")
}

func TestServerThatIsNotSetUpIsExplained(t *testing.T) {
	t.Parallel()
	role := newName("nologin")
	execute(t, "CREATE ROLE "+role+" NOLOGIN")
	_, err := postgres.OpenPool(t.Context(), newPool(t, as(role)), nil)
	wantError(t, err, fs.ErrPermission)
	wantText(t, err, "may not log in")

	nowhere := newPool(t, func(c *pgxpool.Config) { c.ConnConfig.Database = newName("nowhere") })
	_, err = postgres.OpenPool(t.Context(), nowhere, nil)
	wantText(t, err, "there is no such database")

	unknown := newPool(t, func(c *pgxpool.Config) {
		c.ConnConfig.Host = "hunter2.invalid"
		c.ConnConfig.LookupFunc = func(_ context.Context, host string) ([]string, error) {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
	})
	_, err = postgres.OpenPool(t.Context(), unknown, nil)
	wantError(t, err, storage.ErrUnavailable)
	wantText(t, err, "the name of the host cannot be resolved")

	plain := newPool(t, func(c *pgxpool.Config) {
		c.ConnConfig.TLSConfig = &tls.Config{ServerName: "hunter2.invalid", MinVersion: tls.VersionTLS12}
		c.ConnConfig.Fallbacks = nil
	})
	_, err = postgres.OpenPool(t.Context(), plain, nil)
	wantText(t, err, "look at the host, the port and sslmode")
}

func wantText(t testing.TB, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q in it", err, text)
	}
}

func TestRoleWhoseTransactionsOnlyReadIsRefused(t *testing.T) {
	t.Parallel()
	schema, role := newName("default"), newName("readers")
	commit(t, open(t, schema), put("a", "1"))
	execute(t, "CREATE ROLE "+role+" LOGIN SUPERUSER", "ALTER ROLE "+role+" SET default_transaction_read_only = on")
	s := openPool(t, newPool(t, as(role)), schema)
	wantValue(t, s, "a", "1")
	wantError(t, s.Commit(t.Context(), put("a", "2")), fs.ErrPermission)
}
