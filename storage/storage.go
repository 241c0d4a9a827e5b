// Package storage defines the [Store] interface behind which the secrets
// engine keeps its records, and the contract that every implementation keeps.
//
// A store is an ordered map from short text keys to opaque bytes with an
// atomic conditional write. It never sees a value or a key in the clear: what
// passes through it is ciphertext, names and identifiers. It is not trusted to
// be honest either; it is trusted to be atomic and durable.
//
// The comments of [Store] are the contract. The package storagetest turns each
// sentence of it into a test that any driver can run.
package storage

import "context"

// An Entry is one stored record.
type Entry struct {
	Key   string
	Value []byte

	// Version identifies the write that put this value. It is never 0, and
	// never the same for two writes of one key, also after the key was
	// deleted, the store was reopened or its history was compacted.
	Version uint64
}

// A Check is a condition of a [Batch]: at the instant of the commit the entry
// under Key has this Version, or, if Version is 0, there is no such entry.
type Check struct {
	Key     string
	Version uint64
}

// A Put writes Value under Key, whether or not there is an entry.
type Put struct {
	Key   string
	Value []byte
}

// A Batch is written as a whole or not at all. A key may occur once among
// Puts and Deletes together, and once among Checks; a Check beside a Put or
// Delete of the same key is the normal case. Deleting an absent key is no
// error.
type Batch struct {
	Checks  []Check
	Puts    []Put
	Deletes []string
}

// A Store keeps entries in byte order of their keys. Its methods may be called
// from several goroutines, and several Stores, in one process or in many, may
// share the same data.
//
// # Bytes
//
// Bytes are copied in both directions: a Store neither keeps nor returns a
// slice that the caller may change or that a later call changes, and entries
// of one answer do not share bytes. It leaves the slices that it is given as
// they are, also their order.
//
// # Errors
//
// [ErrConflict] means that the batch was certainly not applied because a check
// failed (or because the database gave way to another transaction).
// [ErrUnknownOutcome] means that it may have been applied, or may still be.
// Every other error means that nothing was applied. [ErrUnavailable] is among
// those: the store cannot be reached now. [ErrClosed] answers every call after
// Close. Errors never carry an entry's value or a password from a connection
// string. Nor does a Store that is printed, which may be in use: it implements
// [fmt.Formatter].
//
// # Contexts
//
// Every method returns soon after its context ends. A context that ends before
// anything was sent is reported as its own error, and nothing was applied;
// once a Commit was sent, it is reported as ErrUnknownOutcome unless the
// outcome is known.
//
// # Limits
//
// Callers go through [Limit], which refuses what exceeds the limits of this
// package before the driver sees it. A driver must accept everything within
// them. Of an entry beyond them, which only somebody else can have put there, it
// may leave the value out, so that it does not fill the memory.
type Store interface {
	// Get returns the entries found among keys, in the order asked, all as
	// of one instant between the call and its return. A key without an entry
	// is left out; that is no error. A key asked twice is answered twice.
	Get(ctx context.Context, keys ...string) ([]Entry, error)

	// List returns up to limit entries whose keys start with prefix and are
	// greater than after, in byte order, as of one instant between the call
	// and its return. An empty after starts at the beginning. Fewer entries
	// than limit means that there are no more. Several pages are several
	// instants.
	List(ctx context.Context, prefix, after string, limit int) ([]Entry, error)

	// Commit applies the batch atomically if all its checks hold at the
	// instant of the commit, also those of keys that the batch does not
	// write and of keys that must be absent. It is durable when Commit
	// returns nil. If a check does not hold it returns [ErrConflict] and
	// writes nothing.
	Commit(ctx context.Context, batch Batch) error

	// Changes returns a channel that is signalled after commits under one of
	// the prefixes, by any Store that shares the data; no prefix stands for
	// every key. After Changes has returned, each later commit is followed by
	// at least one signal, sent once a Get of this Store would see the
	// commit. Signals are a hint: they are coalesced (the channel holds one),
	// they may come without a change, and after a lost connection one comes
	// without condition. The channel is closed when ctx ends or the Store is
	// closed, and no goroutine remains then.
	//
	// Callers should read again from time to time all the same, say every 5
	// minutes: a hint tells when to look, and nothing should rest on it alone.
	Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error)

	// Close releases what the Store holds and ends its Changes. Calls that
	// are under way end with their own result or ErrClosed. A second Close
	// does nothing and returns nil.
	Close() error
}
