package storage

import "context"

// A Purger is a [Store] that can also remove from its own files what was
// deleted or replaced. A database keeps such bytes for as long as they are in
// nobody's way: in its log, in unused parts of its pages, in its history. They
// are ciphertext, but whoever finds the key later can read them.
//
// It is an optional interface. A Store that wraps another one is a Purger if it
// says so itself; [Limit] is one if and only if the Store that it is given is.
type Purger interface {
	// Purge returns nil only if the store's own files hold no value that was
	// deleted or replaced by a commit, of whichever Store, that had returned
	// before the call. Each driver says which files these are, and what an
	// operator has to do about others, such as the log of a server. Never
	// among them is what a database does not know of: backups, replicas,
	// archived logs, snapshots of a file system, and the blocks of a disk that
	// are free again. Keys of deleted entries may stay.
	//
	// What lives stays as it is, with its Versions, and no Version is given
	// out again. Others may read, commit and watch meanwhile. They may have to
	// wait, and a purge may cost as much as writing everything once: each
	// driver says what is locked, and for how long. Several may purge at the
	// same time, and again at any time.
	//
	// An error says that something may be left; no entry was changed.
	// [ErrUnavailable] is among them, also when somebody who reads what was
	// there before, or writes, keeps a purge from its end; repeat it later.
	// [io/fs.ErrPermission] means that the database wants more rights for it.
	// A context that ends is reported as its own error, and what was begun may
	// go on for a while.
	Purge(ctx context.Context) error
}
