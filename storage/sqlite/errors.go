package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// What may be wrong with a file, to be found with [errors.Is]. The file is not
// changed.
var (
	// ErrNotDatabase says that the file is no SQLite database. Look at the
	// path.
	ErrNotDatabase = errors.New("not an SQLite database")

	// ErrForeign says that the file is an SQLite database that was not
	// created by this package. Look at the path.
	ErrForeign = errors.New("the SQLite database of another application")

	// ErrNewer says that a newer version of this package has written the
	// file. Update the program.
	ErrNewer = errors.New("written by a newer version of this package")

	// ErrCorrupt says that the file is damaged. Restore it from a copy.
	ErrCorrupt = errors.New("damaged database")
)

var (
	// errFault says that the binding has panicked.
	errFault = errors.New("fault in the SQLite binding")

	// errMoved says that another file, or none, has the name of the one that
	// is open. The next connection is to whatever is there then.
	errMoved = fmt.Errorf("%w: the file was moved or replaced", storage.ErrUnavailable)
)

// fail gives err, which a call has met, the meaning that the contract of
// [storage.Store] knows, and names the file. committing says that it was met
// by a COMMIT.
func (s *Store) fail(ctx context.Context, err error, committing bool) error {
	if err == nil || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrClosed) {
		return err
	}
	if waited := endsWait(err) || needsAnother(err); waited && s.isClosed() {
		return storage.ErrClosed
	} else if waited && ctx.Err() != nil {
		return ctx.Err()
	}
	return named(s.path, translate(err, committing))
}

// named says which database err is about. Its path may be a connection string
// that was given by mistake: what follows a question mark is not shown, since
// a key or a password may be there.
func named(path string, err error) error {
	volume := filepath.VolumeName(path) // may itself hold one: \\?\C:
	if name, _, parameters := strings.Cut(path[len(volume):], "?"); parameters {
		path = volume + name + "?..."
	}
	return fmt.Errorf("sqlite: %q: %w", path, err)
}

// withoutPath drops the path that package os puts before its error, since
// [named] has it, unless it is that of a file beside the database.
func withoutPath(err error) error {
	pathErr, ok := err.(*fs.PathError)
	if !ok {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if strings.HasSuffix(pathErr.Path, suffix) {
			return fmt.Errorf("its %s file: %w", suffix, pathErr.Err)
		}
	}
	return pathErr.Err
}

// translate goes by SQLite's result codes. Its messages are dropped: they may
// quote what is in the file.
func translate(err error, committing bool) error {
	code, ok := codeOf(err)
	if ok {
		err = describe(err, code)
	}
	if committing && !(ok && definite(code)) {
		return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, err)
	}
	if !ok {
		return err
	}
	return fmt.Errorf("%w: %w", meaningOf(code), err)
}

func meaningOf(code sqlite3.ExtendedErrorCode) error {
	switch code {
	case sqlite3.READONLY_RECOVERY, sqlite3.READONLY_ROLLBACK, sqlite3.READONLY_CANTLOCK, sqlite3.READONLY_CANTINIT:
		return storage.ErrUnavailable // until somebody who may write has repaired what a crash left
	}
	switch code.Code() {
	case sqlite3.READONLY, sqlite3.PERM, sqlite3.AUTH:
		return fs.ErrPermission
	case sqlite3.TOOBIG:
		return storage.ErrLimit
	case sqlite3.NOTADB:
		return ErrNotDatabase
	case sqlite3.CORRUPT, sqlite3.ERROR, sqlite3.SCHEMA, sqlite3.CONSTRAINT, sqlite3.MISMATCH:
		return ErrCorrupt // all statements are constant, so it is the schema that is not ours
	default:
		return storage.ErrUnavailable // BUSY, IOERR, FULL, CANTOPEN, PROTOCOL, ...
	}
}

// definite says that a COMMIT with this result was not applied. With FULL the
// frame that would have committed is not complete in the -wal file. With an
// I/O error it may be there, and come back to life when the file is next
// recovered; that was seen.
func definite(code sqlite3.ExtendedErrorCode) bool {
	return code.Code() == sqlite3.BUSY || code.Code() == sqlite3.FULL
}

// endsWait says that err may come from a wait or a statement that was cut
// short by its context or by Close.
func endsWait(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, errHeld)
}

// needsAnother says that another connection may do what this one cannot: since
// the file was replaced, or since a user who may only read has found the
// shared memory unusable. In that case either it was just being changed, or a
// writer has died while he changed it; then it is of use again, or dispensed
// with, when all who have it open have closed it.
func needsAnother(err error) bool {
	return errors.Is(err, errMoved) ||
		errors.Is(err, sqlite3.READONLY_RECOVERY) || errors.Is(err, sqlite3.READONLY_CANTINIT) ||
		errors.Is(err, sqlite3.READONLY_CANTLOCK)
}

// spoils says that a connection which has met err is not to be used again.
func spoils(err error) bool {
	return err != nil && !endsWait(err) && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, sqlite3.TOOBIG)
}

func codeOf(err error) (code sqlite3.ExtendedErrorCode, ok bool) {
	ok = errors.As(err, &code)
	return code, ok
}

// describe keeps the code, and the operating system's error if there is one.
func describe(err error, code sqlite3.ExtendedErrorCode) error {
	text := strings.TrimPrefix(code.Error(), "sqlite3: ")
	var full *sqlite3.Error
	if errors.As(err, &full) && full.Unwrap() != nil {
		return fmt.Errorf("%s (SQLite code %d): %w", text, code, withoutPath(full.Unwrap()))
	}
	return fmt.Errorf("%s (SQLite code %d)", text, code)
}
