// Package postgres keeps entries in one table of a PostgreSQL database, 13 or
// later, for platforms and apps on several machines.
//
//	store, err := postgres.Open(ctx, "postgres://platform@db.internal/secrets?sslmode=verify-full", nil)
//
// [OpenPool] takes connections that the program has. Without a password in the
// connection string, PGPASSWORD and a password file are looked at, as psql
// does.
//
// # Table
//
// The first Open creates the schema "secrets" ([Options.Schema]) with the
// table entries and its sequence, in one transaction; any number of processes
// may do so at once. The version of the table is in its comment, which must
// stay: a table without it is [ErrForeign]. To copy the table, use pg_dump,
// which copies the sequence too. Logical replication does not: there, set the
// sequence above every version before anybody writes to the copy. A table that
// is put back from an older copy gives versions out again.
//
// # Roles
//
// An app reads, and its role should be able to do nothing else:
//
//	CREATE ROLE app LOGIN;
//	GRANT USAGE ON SCHEMA secrets TO app;
//	GRANT SELECT ON secrets.entries TO app;
//
// Its Store answers a Commit that writes with [io/fs.ErrPermission]; Changes
// needs no further right. The platform's role owns the table if it was the
// first to open it. Otherwise it needs USAGE on the schema, SELECT, INSERT,
// UPDATE and DELETE on secrets.entries, USAGE on the sequence secrets.versions,
// and what [Store.Purge] takes, for deletions to be confirmed.
//
// # Round trips
//
// Get, List and Commit are one round trip each, once a connection has prepared
// its statements; a pool asks after a connection that was idle for a second,
// which is one more. A Commit is a transaction of its own that is sent as a
// whole, so that locks are never held over the network: those of its keys,
// written or only checked, which are advisory locks of the transaction, or
// that of the store if there are more than 32. Whoever writes to the table by
// hand goes past them.
//
// What is set for the role or the server does not weaken a Commit: it is READ
// COMMITTED under these locks, and waits for the disk also where
// synchronous_commit is off.
//
// # Outcomes
//
// If the answer to a Commit is lost, with the connection or since the context
// ended, its outcome is unknown, [storage.ErrUnknownOutcome]; nothing is ever
// sent again. Commit waits up to 100 milliseconds after the end of its context
// for the answer. A Close waits as long for commits under way, and up to 15
// seconds for a server that does not react.
//
// Errors have the code of the server (SQLSTATE) and nothing of its messages,
// which may quote what was sent, nor of the connection string. The server's
// own log may have both: with log_statement or log_parameter_max_length it
// holds keys and encrypted values.
//
// # What was deleted
//
// [Store.Purge] removes what was deleted or replaced from the files of the
// table. Who can read the folder of the server still finds it, encrypted, in
// the write-ahead log (pg_wal), and this package cannot change that: what
// removes old segments is a checkpoint after the present segment was left. By
// default their files are used again, and keep the bytes until they are
// overwritten. A superuser has them removed with wal_recycle=off in the
// configuration, and, after a Purge,
//
//	SELECT pg_switch_wal();
//	CHECKPOINT;
//
// Segments that an archive, a standby, a replication slot or wal_keep_size
// still wants stay longer. A server that crashes in the middle of a Purge
// leaves the unfinished copy behind, as PostgreSQL does with any table.
//
// # Several servers
//
// Reads must come from the primary: a standby lags behind, and a grant that
// was revoked would go on there. Open connects to the primary among the hosts
// of its connection string; for OpenPool, set target_session_attrs=primary.
// Open refuses a standby with [ErrStandby].
//
// # Poolers
//
// All calls but Changes work through a pooler in transaction mode: they leave
// nothing behind in a session. Prepared statements do, so unless the pooler
// keeps track of them (PgBouncer from 1.21 with max_prepared_statements), add
// default_query_exec_mode=exec to the connection string; a read then takes
// about one and a half times as long. What tells is [ErrPooler].
//
// Changes listens, and needs a connection to the server itself:
// [Options.ListenDSN]. Without one it answers ErrPooler behind any pooler,
// also one in session mode, since there is no telling which it is.
//
// # Changes
//
// Commits are notified in their own transaction, and so reported exactly when
// they are seen. The server lets such transactions commit one after the other,
// those of all its databases: some hundred a second, if its disk takes a few
// milliseconds. A notification holds hashes of the folders of the keys, up to
// each slash, and no names: any role of the database may listen.
package postgres
