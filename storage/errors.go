package storage

import "errors"

// The errors of a [Store], to be found with [errors.Is].
var (
	// ErrConflict says that a check of the batch did not hold and that
	// nothing was written. Read again and repeat.
	ErrConflict = errors.New("conflict: the record changed meanwhile")

	// ErrUnknownOutcome says that the connection or the process was lost
	// between sending a commit and its answer: the batch may have been
	// applied, or may still be. Read back before you repeat.
	ErrUnknownOutcome = errors.New("unknown outcome: the write may or may not have been applied")

	// ErrUnavailable says that the store cannot be reached or is too busy
	// now, and that nothing was written. Try again later.
	ErrUnavailable = errors.New("store unavailable")

	// ErrClosed says that the store was closed by its owner.
	ErrClosed = errors.New("store closed")

	// ErrLimit says that a key, a value or a batch exceeds the limits of
	// this package, or is not well formed. Nothing was written, and trying
	// again will not help.
	ErrLimit = errors.New("limit exceeded")
)
