// Package sqlite keeps entries in one SQLite file: the embedded default, with
// no server and no cgo.
//
//	store, err := sqlite.Open(ctx, "/var/lib/app/secrets.db", nil)
//
// # Files
//
// The database is three files: the one that Open names, and beside it -wal
// (what was committed lately) and -shm (an index into it). All three are
// created with mode 0600, whatever the umask, and stay when the last Store is
// closed. A symbolic link to an existing file is followed; nothing is ever
// created through a link. Open refuses a file that everyone may write. The
// path is the name of a file and nothing else: "file:a?b" and ":memory:" are
// files of that name (the package storage/memory keeps entries in memory), and
// a URL ("sqlite://...") is refused. An error shows the path once, up to a
// question mark at most.
//
// The file must be on a disk of this machine: the -shm file is shared memory,
// which network file systems do not have. To copy a database that is in use,
// use a tool that knows SQLite ("sqlite3 secrets.db .backup copy.db"), not cp.
// To put a copy in its place, close all Stores first and remove -wal and -shm.
// A Store whose file is moved or replaced all the same writes nothing more to
// it, and goes on with the file that has the name then.
//
// # Several processes
//
// Any number of processes may open the file at the same time. Readers wait for
// nobody, a writer waits for the writer before it, at most
// [Options.BusyTimeout]. Writers of one Store take turns in the order of their
// calls; those of several processes try again after short random times, so
// that none starves.
//
// [Store.Changes] reports commits of other processes as well, within
// [Options.PollInterval], and is not signalled by a commit under other
// prefixes. The keys (not the values) of the last 64 commits are kept in the
// file for that, those of deleted entries too.
//
// # Users who may only read
//
// An app whose user may read the three files, and write none of them, can
// open the database. Its Store is read-only: Commit answers
// [io/fs.ErrPermission]. It reads at any time: with no writer open, beside
// one, and after one was killed. To admit the group "apps":
//
//	chgrp apps secrets.db secrets.db-wal secrets.db-shm
//	chmod 640  secrets.db secrets.db-wal secrets.db-shm
//
// Its members also need the right to enter the folder (x), not to write to it.
// It is enough to change secrets.db alone if a process that may write opens it
// afterwards: that gives the other two the same owner, group and mode, as far
// as it may. They must exist: a tool that deletes them, as the sqlite3 shell
// does when it is the last to close, leaves the readers without access until
// the next Open by a user who may write. Whoever can read the files can take
// locks on them too, and so delay the writers.
//
// # Durability
//
// A Commit is on the disk when it returns nil (WAL with synchronous=FULL). If
// the disk reports an error at that very moment, it may turn out to have been
// written: [storage.ErrUnknownOutcome].
//
// What is deleted or replaced is overwritten with zeros in the main file when
// that is next brought up to date, and in the -wal file when a Store that has
// written is closed while no other is reading; until then older (encrypted)
// values remain in -wal. Copies of small ones may remain in unused parts of the
// main file, where SQLite has divided a page. [Store.Purge] removes both, at
// once.
//
// SQLite notices much of what damages a file, and that is [ErrCorrupt], but
// not a changed byte inside a value. The encryption of the values does.
package sqlite
