package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// migrations lead from one version of the table to the next; the first one
// creates it. %[1]s stands for the schema.
//
// The sequence belongs to the table and goes with it. A value is ciphertext,
// which cannot be compressed, so nothing is tried. Statistics of it would be of
// no use to the planner, and are copies of values that are short, which stay in
// the catalog when those are deleted.
var migrations = []string{`
CREATE SEQUENCE %[1]s.versions AS bigint;
CREATE TABLE %[1]s.entries (
	key     text COLLATE "C" NOT NULL PRIMARY KEY,
	value   bytea            NOT NULL,
	version bigint           NOT NULL CHECK (version > 0)
);
ALTER SEQUENCE %[1]s.versions OWNED BY %[1]s.entries.version;
ALTER TABLE %[1]s.entries ALTER COLUMN value SET STORAGE EXTERNAL;
ALTER TABLE %[1]s.entries ALTER COLUMN value SET STATISTICS 0;
`}

// A comment on the table says that it is ours, and its version. It is part of
// the table: there is no second one to keep in step, every role may read it,
// and a dump has it.
const (
	commentFormat = "github.com/seed-9f6dc42a/secrets storage/postgres version %d"

	// The catalogs can be read without any right on the schema.
	sqlIdentify = `SELECT pg_is_in_recovery(), (
	SELECT coalesce(obj_description(c.oid, 'pg_class'), '')
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = $1 AND c.relname = 'entries')`
	sqlSchemaExists = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)"
)

// A querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// prepare brings the table to the version that this package knows. Usually it
// is there, and one round trip says so.
func (s *Store) prepare(ctx context.Context) error {
	version, err := s.identify(ctx, s.pool)
	if err != nil || version == len(s.migrations) {
		return err
	}
	err = s.migrate(ctx)
	var refused *pgconn.PgError
	if version == 0 && errors.As(err, &refused) && refused.Code == codeNoPrivilege {
		return errCreate
	}
	return err
}

// identify returns the version of the table, 0 if there is none.
func (s *Store) identify(ctx context.Context, from querier) (int, error) {
	var standby bool
	var comment *string
	if err := from.QueryRow(ctx, sqlIdentify, s.schema).Scan(&standby, &comment); err != nil {
		return 0, err
	}
	if standby {
		return 0, ErrStandby
	}
	if comment == nil {
		return 0, nil
	}
	return s.parseComment(*comment)
}

func (s *Store) parseComment(comment string) (version int, err error) {
	if _, err := fmt.Sscanf(comment, commentFormat, &version); err != nil || version < 1 {
		return 0, ErrForeign
	}
	if known := len(s.migrations); version > known {
		return 0, fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, version, known)
	}
	return version, nil
}

// migrate holds the lock that every commit shares, so that several processes
// may start at once, and nobody writes meanwhile.
func (s *Store) migrate(ctx context.Context) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	if _, err := tx.Exec(ctx, sqlLock, []int64{lockID(s.schema, "")}, []bool{true}); err != nil {
		return err
	}
	version, err := s.identify(ctx, tx)
	if err != nil {
		return err
	}
	if err := s.upgrade(ctx, tx, version); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("%w: the table may or may not have been created or migrated", storage.ErrUnavailable)
	}
	return nil
}

func (s *Store) upgrade(ctx context.Context, tx pgx.Tx, version int) error {
	if version == len(s.migrations) {
		return nil // another process was faster
	}
	if err := s.createSchema(ctx, tx); err != nil {
		return err
	}
	schema := quoted(s.schema)
	for _, migration := range s.migrations[version:] {
		if err := execAll(ctx, tx, fmt.Sprintf(migration, schema)); err != nil {
			return err
		}
	}
	comment := fmt.Sprintf("COMMENT ON TABLE %s.entries IS '"+commentFormat+"'", schema, len(s.migrations))
	return execAll(ctx, tx, comment)
}

// createSchema looks first: CREATE SCHEMA IF NOT EXISTS needs a right on the
// database even if the schema exists.
func (s *Store) createSchema(ctx context.Context, tx pgx.Tx) error {
	var exists bool
	if err := tx.QueryRow(ctx, sqlSchemaExists, s.schema).Scan(&exists); err != nil || exists {
		return err
	}
	return execAll(ctx, tx, "CREATE SCHEMA "+quoted(s.schema))
}

// execAll sends statements without arguments together, which only the simple
// protocol can.
func execAll(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

func quoted(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
