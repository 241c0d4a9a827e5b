package storage

import "context"

// A Versioner is a [Store] that also says which [Entry.Version] a commit has
// given. Who writes an entry again and again, each time with a Check of what it
// has put before, needs no Get in between then, which is a round trip.
//
// It is an optional interface. A Store that wraps another one is a Versioner if
// it says so itself; what [Limit] and [Lazy] return always is, and answers 0
// where the Store behind it does not say. [Commit] asks any Store.
//
// A wrapper that embeds a concrete driver, such as *sqlite.Store, and replaces
// Commit must replace CommitVersion too: otherwise its Commit is bypassed. One
// that embeds a Store is no Versioner.
type Versioner interface {
	// CommitVersion is [Store.Commit], with the same errors, and returns the
	// Version of all entries that the batch has put: a batch gives one to all
	// of them. A Get finds it until the entry is written again. It comes from
	// the commit itself: who reads it back afterwards may return the version
	// of somebody else's write, and a caller would then undo that unseen. A
	// Store that numbers the puts of a batch apart cannot be a Versioner.
	//
	// It is 0 for a batch that puts nothing, with any error, and where it is
	// not known; Get tells then. A Versioner that keeps entries itself knows
	// it whenever there is no error.
	CommitVersion(ctx context.Context, batch Batch) (version uint64, err error)
}

// Commit commits a batch to store as [Store.Commit] does. It returns the Version
// of all entries that the batch has put, or 0 if it puts nothing, was not
// committed, or store does not say, since it is no [Versioner] or wraps none.
func Commit(ctx context.Context, store Store, batch Batch) (version uint64, err error) {
	if v, ok := store.(Versioner); ok {
		return v.CommitVersion(ctx, batch)
	}
	return 0, store.Commit(ctx, batch)
}
