package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var _ storage.Purger = (*Store)(nil)

const (
	defaultPatience = 10 * time.Second

	// maxLockWait is how long readers may have to queue behind a Purge that
	// waits for somebody who keeps the table locked. It is longer than what
	// the server takes by default, a second, to send its own vacuum away.
	maxLockWait = 2 * time.Second

	// betweenLocks lets those through who have queued. It doubles, since the
	// table may have been written for nothing.
	betweenLocks = 100 * time.Millisecond

	// sqlMark returns the first number that no transaction has that was
	// committed before, and the name of the index to write by.
	sqlMark = `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::text::regclass AND i.indisprimary`

	// sqlHeld says whether a transaction from before the mark is open, or
	// reads as of then. Others of the server matter if they write.
	sqlHeld = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint < $1 OR EXISTS (
	SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND coalesce(datname, current_database()) = current_database()
	AND age(backend_xmin) > age(($1 % (1::bigint << 32))::text::xid))`

	// CLUSTER may be part of a transaction, as VACUUM may not, which also
	// does nothing, with a warning, where a right is lacking.
	sqlRewrite = `SET LOCAL lock_timeout = %[1]d; LOCK TABLE %[2]s IN ACCESS EXCLUSIVE MODE; CLUSTER %[2]s USING %[3]s`

	// sqlFrozen returns what CLUSTER has set it to: the number below which it
	// has left out all rows that were dead.
	sqlFrozen = "SELECT relfrozenxid::text::bigint FROM pg_class WHERE oid = $1::text::regclass"
)

var (
	errHeld   = fmt.Errorf("%w: a transaction that began before is still open on the server, and may read what was there then", storage.ErrUnavailable)
	errLocked = fmt.Errorf("%w: others keep the table locked", storage.ErrUnavailable)
)

// Purge implements [storage.Purger]. Its files are those of the table, of its
// TOAST table and of their indexes: it writes the table anew by CLUSTER, and
// the server deletes the old files. A plain VACUUM would leave the bytes where
// they are. The write-ahead log keeps them until the server has removed its
// segments, see the package comment.
//
// Only the owner of the table may purge, or a role with MAINTAIN on it
// (PostgreSQL 17 or later); for others it is [io/fs.ErrPermission]. It works
// through a pooler in transaction mode too.
//
// All other calls, of all Stores, wait while the table is written: about a
// second for 100 MB, and the disk needs room for a copy of it. First Purge
// waits up to 10 seconds, in all, for two things, and then answers
// [storage.ErrUnavailable]: for the transactions of the server to end that
// began before the call and have written something, or read in the same
// database, and for those who keep the table locked, as pg_dump does. For the
// lock it queues for 2 seconds at a time, and others behind it. What belongs to
// a standby or a replication slot and holds old rows (hot_standby_feedback), or
// a prepared transaction, does so for Purge too.
func (s *Store) Purge(ctx context.Context) error {
	live, end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return s.fail(ctx, s.purge(live), false)
}

// purge tries until its patience is at an end.
func (s *Store) purge(ctx context.Context) error {
	until := time.Now().Add(s.patience)
	var mark int64
	var index string
	if err := s.pool.QueryRow(ctx, sqlMark, s.table()).Scan(&mark, &index); err != nil {
		return err
	}
	if err := s.awaitOlder(ctx, mark, until); err != nil {
		return err
	}
	for wait := betweenLocks; ; wait *= 2 {
		err := s.rewrite(ctx, mark, index)
		if !errors.Is(err, errLocked) && !errors.Is(err, errHeld) {
			return err
		}
		if !pause(ctx, wait) || time.Now().After(until) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (s *Store) table() string { return quoted(s.schema) + ".entries" }

// awaitOlder waits for the transactions that may keep rows from being left
// out. It is no more than a courtesy to the table, which would be written for
// nothing: there are others to which that applies, and only rewrite knows.
func (s *Store) awaitOlder(ctx context.Context, mark int64, until time.Time) error {
	for {
		var held bool
		if err := s.pool.QueryRow(ctx, sqlHeld, mark).Scan(&held); err != nil || !held {
			return err
		}
		if time.Now().After(until) || !pause(ctx, betweenLocks) {
			return ctx.Err()
		}
	}
}

func (s *Store) rewrite(ctx context.Context, mark int64, index string) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	wait := min(maxLockWait, s.patience).Milliseconds()
	err = execAll(ctx, tx, fmt.Sprintf(sqlRewrite, wait, s.table(), quoted(index)))
	switch {
	case isLocked(err):
		return errLocked
	case err != nil:
		return err
	}
	var frozen int64
	if err := tx.QueryRow(ctx, sqlFrozen, s.table()).Scan(&frozen); err != nil {
		return err
	}
	if int32(uint32(frozen)-uint32(mark)) < 0 { // numbers of transactions begin again after 4 thousand million
		return errHeld
	}
	return tx.Commit(ctx)
}

func isLocked(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == codeLockUnavailable
}

// pause reports false if ctx has ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
