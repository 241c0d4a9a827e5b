package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A commit is one pipeline, and one round trip:
//
//	BEGIN      READ COMMITTED, whatever the default: each statement sees what was committed before it began
//	sqlLock    waits for the keys
//	sqlApply   looks at the checks, and writes if all of them hold
//	COMMIT     of nothing, if one did not
//
// sqlApply begins when the locks are held, and they are held until the commit
// is seen by others, so what it sees is true at the instant of the commit.
const (
	sqlBegin  = "BEGIN ISOLATION LEVEL READ COMMITTED"
	sqlCommit = "COMMIT"

	// sqlCheck counts the checks that do not hold. An absent row has no
	// version, which is what 0 stands for. It gives no version, which is 0 too.
	sqlCheck = `SELECT count(*) AS n, 0::bigint AS version FROM unnest($1::text[], $2::bigint[]) AS c (key, version)
	WHERE (SELECT e.version FROM %[1]s.entries e WHERE e.key = c.key) IS DISTINCT FROM nullif(c.version, 0)`

	// sqlApply gives one version to all puts of a batch, and says which: it is
	// taken once, since given is evaluated once, and not once for each row.
	sqlApply = `WITH failed AS (` + sqlCheck + `), given AS MATERIALIZED (
	SELECT nextval('%[2]s') AS version FROM failed WHERE n = 0 AND cardinality($3::text[]) > 0
), put AS (
	INSERT INTO %[1]s.entries (key, value, version)
	SELECT p.key, p.value, (SELECT version FROM given) FROM unnest($3::text[], $4::bytea[]) AS p (key, value)
	WHERE (SELECT n FROM failed) = 0
	ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version
), deleted AS (
	DELETE FROM %[1]s.entries WHERE key = ANY ($5::text[]) AND (SELECT n FROM failed) = 0
)
SELECT n, coalesce((SELECT version FROM given), 0), CASE WHEN n = 0 THEN pg_notify($6, $7) END FROM failed`
)

// Commit implements [storage.Store], in one round trip. If ctx ends while the
// server works on it, Commit waits a moment for the outcome.
func (s *Store) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := s.CommitVersion(ctx, batch)
	return err
}

// CommitVersion implements [storage.Versioner], in the same round trip.
func (s *Store) CommitVersion(ctx context.Context, batch storage.Batch) (uint64, error) {
	live, end, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	conn, err := s.pool.Acquire(live)
	if err != nil {
		return 0, s.fail(ctx, err, false)
	}
	defer conn.Release()
	if live.Err() != nil {
		return 0, s.fail(ctx, live.Err(), false)
	}
	sending, cancel := linger(live)
	defer cancel()
	version, err := s.send(sending, conn.Conn(), batch)
	if err != nil {
		return 0, s.fail(ctx, err, true)
	}
	return version, nil
}

// send sends the pipeline and reads what comes back. Once it was called,
// anything may have happened.
func (s *Store) send(ctx context.Context, conn *pgx.Conn, batch storage.Batch) (version uint64, err error) {
	results := conn.SendBatch(ctx, s.pipeline(batch))
	version, err = outcome(results)
	_ = results.Close() // outcome has read what matters
	if conn.PgConn().TxStatus() == 'E' {
		_ = conn.PgConn().Exec(ctx, "ROLLBACK").Close() // else the pool would give the connection up
	}
	return version, err
}

func (s *Store) pipeline(batch storage.Batch) *pgx.Batch {
	p := &pgx.Batch{}
	p.Queue(sqlBegin)
	ids, exclusive := locks(s.schema, batch)
	p.Queue(sqlLock, ids, exclusive)
	s.queueApply(p, batch)
	p.Queue(sqlCommit)
	return p
}

func (s *Store) queueApply(p *pgx.Batch, batch storage.Batch) {
	keys, versions := []string{}, []int64{}
	for _, check := range batch.Checks {
		keys = append(keys, check.Key)
		versions = append(versions, int64(check.Version)) // those above the greatest become negative: no row has them
	}
	if len(batch.Puts)+len(batch.Deletes) == 0 {
		p.Queue(s.sql.check, keys, versions)
		return
	}
	puts, values := []string{}, [][]byte{}
	for _, put := range batch.Puts {
		value := put.Value
		if value == nil {
			value = []byte{} // nil would be NULL
		}
		puts = append(puts, put.Key)
		values = append(values, value)
	}
	deletes := append([]string{}, batch.Deletes...) // nil would be NULL too
	p.Queue(s.sql.apply, keys, versions, puts, values, deletes, channel(s.schema), payload(written(batch)))
}

// outcome returns nil only after the server has answered COMMIT to the COMMIT.
// What comes after that, a lost connection for one, does not matter any more;
// nor does the COMMIT after a check that did not hold.
func outcome(results pgx.BatchResults) (version uint64, err error) {
	for range 2 { // sqlBegin, sqlLock
		if _, err := results.Exec(); err != nil {
			return 0, err
		}
	}
	answer, err := readApplied(results)
	if err != nil {
		return 0, err
	}
	if answer.failed > 0 {
		return 0, storage.ErrConflict
	}
	tag, err := results.Exec()
	if err != nil {
		return 0, err
	}
	if tag.String() != sqlCommit {
		return 0, pgx.ErrTxCommitRollback
	}
	return uint64(answer.version), nil
}

// applied is what sqlApply or sqlCheck answers.
type applied struct {
	failed  int64 // checks
	version int64 // of what was put, or 0
}

func readApplied(results pgx.BatchResults) (applied, error) {
	rows, err := results.Query()
	if err != nil {
		return applied{}, err
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (a applied, err error) {
		columns := make([]any, len(row.FieldDescriptions())) // the one of pg_notify is nothing
		columns[0], columns[1] = &a.failed, &a.version
		return a, row.Scan(columns...)
	})
}
