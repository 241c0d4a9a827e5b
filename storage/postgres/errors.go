package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// What may be wrong with a database, to be found with [errors.Is]. It is not
// changed.
var (
	// ErrForeign says that the schema has a table "entries" that was not
	// created by this package, or whose comment was lost. Choose another
	// schema.
	ErrForeign = errors.New("the table of another application")

	// ErrNewer says that a newer version of this package has changed the
	// table. Update the program.
	ErrNewer = errors.New("changed by a newer version of this package")

	// ErrStandby says that the server is a copy of another one. It may lag
	// behind, and a revoked grant would go on there. Connect to the primary.
	ErrStandby = errors.New("the server is a standby")

	// ErrPooler says that a pooler between here and the server stands in the
	// way. If it comes from Changes, give [Options.ListenDSN]; else send no
	// prepared statements, see the package comment.
	ErrPooler = errors.New("there is a pooler between here and the server")
)

var errDSN = errors.New("postgres: the connection string cannot be parsed (it is not shown, since it may hold a password)")

// errCreate is what a program meets that was started before the platform's.
var errCreate = fmt.Errorf("%w: the table is not there, and this role may not create it", fs.ErrPermission)

// fail gives err, which a call has met, the meaning that the contract of
// [storage.Store] knows. sent says that a COMMIT was on its way.
//
// What the server says is dropped, but for its code: its messages may quote a
// key, a value or a statement.
func (s *Store) fail(ctx context.Context, err error, sent bool) error {
	if err == nil || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrClosed) {
		return err
	}
	var refused *pgconn.PgError
	known := errors.As(err, &refused) && definite(refused) || errors.Is(err, pgx.ErrTxCommitRollback)
	ended := !known || refused != nil && refused.Code == codeCanceled
	switch {
	case sent && !known:
		return s.named(fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, s.reason(ctx, err)))
	case ended && s.life.Err() != nil:
		return storage.ErrClosed
	case ended && hasEnded(ctx):
		return ctx.Err()
	}
	meant := translate(err)
	if !sent && errors.Is(meant, storage.ErrConflict) { // which is an answer to a Commit only
		meant = fmt.Errorf("%w: %w", storage.ErrUnavailable, cause(err))
	}
	return s.named(meant)
}

// reason says why an outcome is not known.
func (s *Store) reason(ctx context.Context, err error) error {
	switch {
	case hasEnded(ctx):
		return ctx.Err()
	case s.life.Err() != nil:
		return errors.New("the store was closed meanwhile")
	}
	return cause(err)
}

// hasEnded is about a context of which a call has failed. A connection may
// come to a deadline a moment before the context does.
func hasEnded(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

func (s *Store) named(err error) error {
	return fmt.Errorf("postgres: schema %q: %w", s.schema, err)
}

// Codes of the server, see the appendix of its manual.
const (
	codeSerialization   = "40001"
	codeUnknown         = "40003"
	codeDeadlock        = "40P01"
	codeCanceled        = "57014"
	codeReadOnly        = "25006"
	codeNoPrivilege     = "42501"
	codeNoLogin         = "28000"
	codePassword        = "28P01"
	codeNoDatabase      = "3D000"
	codeNoTable         = "42P01"
	codeLockUnavailable = "55P03"
	codeStatementThere  = "42P05"
	codeStatementGone   = "26000"
)

// definite says that the server's refusal means that nothing was applied. The
// exceptions are those that end the connection, which may come from a pooler
// that has lost the server after the COMMIT.
func definite(err *pgconn.PgError) bool {
	severity := err.SeverityUnlocalized
	if severity == "" {
		severity = err.Severity // of a pooler
	}
	return severity == "ERROR" && class(err) != "08" && err.Code != codeUnknown
}

func class(err *pgconn.PgError) string {
	return err.Code[:min(2, len(err.Code))]
}

func translate(err error) error {
	if errors.Is(err, ErrStandby) {
		return ErrStandby // without what pgx has put around it
	}
	for _, own := range []error{ErrForeign, ErrNewer, ErrPooler, errCreate, storage.ErrUnavailable} {
		if errors.Is(err, own) {
			return err
		}
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, cause(err))
	}
	if meaning := meaningOf(refused); meaning != nil {
		return fmt.Errorf("%w: %w", meaning, cause(err))
	}
	return cause(err)
}

// meaningOf goes by classes: 08 connection, 22 data, 28 authorization, 53
// resources, 57 operator, 58 system.
func meaningOf(err *pgconn.PgError) error {
	switch err.Code {
	case codeSerialization, codeDeadlock:
		return storage.ErrConflict
	case codeLockUnavailable:
		return storage.ErrUnavailable
	case codeNoPrivilege, codeReadOnly:
		return fs.ErrPermission
	case codeStatementThere, codeStatementGone:
		return ErrPooler // two connections of the server have been one of ours
	}
	switch class(err) {
	case "22":
		return storage.ErrLimit // a key that is no text
	case "28":
		return fs.ErrPermission
	case "08", "53", "57", "58":
		return storage.ErrUnavailable
	}
	return nil
}

// cause is what of err can be shown: the code of the server, or the error of
// the operating system. The rest names hosts and users, and quotes.
func cause(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fmt.Errorf("the server answered SQLSTATE %s%s", refused.Code, hint(refused.Code))
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return pgx.ErrTxCommitRollback
	}
	if pgconn.Timeout(err) {
		return errors.New("the server did not answer in time")
	}
	var unresolved *net.DNSError
	if errors.As(err, &unresolved) {
		return errors.New("the name of the host cannot be resolved")
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return errors.New("the server's certificate is not trusted")
	}
	return errors.New("the connection failed (look at the host, the port and sslmode)")
}

// hint says what a code means that comes of how the server was set up.
func hint(code string) string {
	switch code {
	case codeNoPrivilege:
		return " (the role lacks a right: see Roles in the package comment)"
	case codeNoLogin:
		return " (there is no such role, or it may not log in from here)"
	case codePassword:
		return " (the user or the password is wrong)"
	case codeNoDatabase:
		return " (there is no such database)"
	case codeNoTable:
		return " (the table is gone)"
	}
	return ""
}
