package secrets

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// What went wrong, to be found with [errors.Is] in the [*Error] that every
// method of a handle returns. The error of a context that ended is found so too,
// and [crypto.ErrRootUnavailable]; of the store also [io/fs.ErrPermission], if it
// does not admit the caller, and [storage.ErrClosed]. Any call may give
// [ErrTampered] and [ErrUnavailable], and one that writes [ErrUnknownOutcome] and
// [ErrConflict].
var (
	// ErrNotFound: there is no such organization, secret, version, service,
	// token or key, or it was deleted. Look at the name; a handle of something that was
	// deleted and created again must be opened again.
	ErrNotFound = errors.New("not found")

	// ErrExists: the name is taken. Open what is there, or use
	// [Organization.SetSecret], which creates or updates.
	ErrExists = errors.New("already exists")

	// ErrConflict: the record is not, or no longer, what the call was made
	// for (IfID, IfVersion), or others changed it without pause. Nothing was
	// written: read again and repeat.
	ErrConflict = storage.ErrConflict

	// ErrInUse: services still use the secret, or an organization still holds
	// something. Revoke first, or set [DeleteOptions].Revoke. Or a record still
	// needs the key that is to be retired: see [Organization.RotateKey].
	ErrInUse = errors.New("in use")

	// ErrInvalidName: not a label of RFC 1123; see [NameError].
	ErrInvalidName = errors.New("invalid name")

	// ErrInvalidEnv: not an environment variable that a secret may go to; see
	// [EnvError].
	ErrInvalidEnv = errors.New("invalid environment variable")

	// ErrValueEmpty: an empty value is refused, since an unset variable of a
	// pipeline must not become a secret. Delete the secret instead.
	ErrValueEmpty = errors.New("value is empty")

	// ErrValueTooLarge: the value has more than [MaxValue] bytes. Store what
	// is large elsewhere, encrypted, and its key here.
	ErrValueTooLarge = errors.New("value is too large")

	// ErrInvalidExpiry: a token cannot expire then. Give a time that is yet to
	// come, or use [Service.IssueToken] for one that does not expire.
	ErrInvalidExpiry = errors.New("invalid expiry")

	// ErrUnauthenticated: the token is malformed, unknown, revoked or has
	// expired. Have another one issued.
	ErrUnauthenticated = errors.New("unauthenticated")

	// ErrTampered: a record does not open, or contradicts the others. It was
	// changed, moved or restored by somebody who can write to the database.
	// Nothing of it was believed. Restore it, or delete it and make it anew:
	// [Organization.DeleteService], and [Organization.DeleteSecret] with Revoke,
	// also delete what does not open.
	ErrTampered = crypto.ErrTampered

	// ErrWrongRoot: this root key does not open the organization. Look at the
	// path of the key file: a mistyped one creates a new key. Or the root was
	// replaced, and this process lacks the new one: see [Client.RotateRoot]. Or a
	// KMS refused or failed: look at the key's name, the right to decrypt, and
	// whether the service is up. Where it is known that it is not, the error is
	// [crypto.ErrRootUnavailable].
	ErrWrongRoot = crypto.ErrWrongRoot

	// ErrUnknownOutcome: the store was lost, or the context ended, while the
	// change was under way: it may have been applied, in part or not at all.
	// Repeat the same call. Every operation may be repeated; one that creates
	// then gives [ErrExists] if it had been applied.
	ErrUnknownOutcome = storage.ErrUnknownOutcome

	// ErrUnavailable: the store cannot be reached now, and nothing was
	// written. Try again later.
	ErrUnavailable = storage.ErrUnavailable

	// ErrLimit: more grants, tokens or bytes than there may be. The error
	// says which.
	ErrLimit = storage.ErrLimit
)

// Reasons that say more than their sentinel.
var (
	errNoStore        = errors.New("the store is nil")
	errNoRoot         = errors.New("the root is nil")
	errNoOrganization = fmt.Errorf("organization %w", ErrNotFound)
	errNoService      = fmt.Errorf("service %w", ErrNotFound)
	errNoSecret       = fmt.Errorf("secret %w", ErrNotFound)
	errNoToken        = fmt.Errorf("token %w", ErrNotFound)
	errExpired        = fmt.Errorf("%w: the token has expired", ErrUnauthenticated)
	errRecreated      = fmt.Errorf("%w: it was deleted and created again meanwhile", ErrConflict)
	errOtherID        = fmt.Errorf("%w: it has another id", ErrConflict)
)

// An Error says which call failed, on what, and why. The fields that do not
// concern the call are empty; names that are not valid are left out. It never
// carries a value, a key or a token.
type Error struct {
	Op           string // such as "grant"
	Organization Name
	Service      Name
	Secret       Name
	Env          string // environment variable
	Err          error
}

// Error returns one line that names the call, its subject and the reason.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "secrets: %s", e.Op)
	before := ": "
	for _, part := range []struct{ what, name string }{
		{"organization", string(e.Organization)}, {"service", string(e.Service)},
		{"secret", string(e.Secret)}, {"variable", e.Env},
	} {
		if part.name != "" {
			fmt.Fprintf(&b, "%s%s %q", before, part.what, part.name)
			before = ", "
		}
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// A secretError says which secret an error is about, of the several that a call
// reads.
type secretError struct {
	secret Name
	err    error
}

func inSecret(name Name, err error) error { return &secretError{name, err} }

func (e *secretError) Error() string { return fmt.Sprintf("secret %q: %v", e.secret, e.err) }
func (e *secretError) Unwrap() error { return e.err }

// located returns e with the secret that its reason names.
func (e Error) located() error {
	if s, ok := e.Err.(*secretError); ok && (e.Secret == "" || e.Secret == s.secret) {
		e.Secret, e.Err = s.secret, s.err
	}
	return &e
}

// A NameError says which rule a name breaks. The name is not repeated: values
// have been passed where a name was meant.
type NameError struct {
	Offset int    // of the first byte that is wrong
	Rule   string // what was expected there
}

// Error returns the rule and the offset.
func (e *NameError) Error() string {
	return fmt.Sprintf("%v: at byte %d: %s", ErrInvalidName, e.Offset, e.Rule)
}

// Unwrap returns [ErrInvalidName].
func (e *NameError) Unwrap() error { return ErrInvalidName }

// An EnvError says why a secret cannot go to an environment variable.
type EnvError struct {
	Env   string // the variable; empty if it is not a valid one
	Taken Name   // the other secret that goes to it already, if that is why
	Rule  string // the reason otherwise
}

// Error returns the variable and the reason.
func (e *EnvError) Error() string {
	switch {
	case e.Taken != "":
		return fmt.Sprintf("environment variable %s is taken: secret %q goes to it (upper and lower case count as one)", e.Env, e.Taken)
	case e.Env == "":
		return fmt.Sprintf("%v: %s", ErrInvalidEnv, e.Rule)
	default:
		return fmt.Sprintf("%v %s: %s", ErrInvalidEnv, e.Env, e.Rule)
	}
}

// Unwrap returns [ErrInvalidEnv].
func (e *EnvError) Unwrap() error { return ErrInvalidEnv }

// An InUseError lists the grants that keep a secret from being deleted.
type InUseError struct{ Grants []Grant }

// Error names three of the services and counts the rest.
func (e *InUseError) Error() string {
	const named = 3
	var b strings.Builder
	fmt.Fprintf(&b, "%v: granted to ", ErrInUse)
	for i, g := range e.Grants[:min(named, len(e.Grants))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "service %q", g.Service)
		if g.Env != NoEnv {
			fmt.Fprintf(&b, " (%s)", g.Env)
		}
	}
	if more := len(e.Grants) - named; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// Unwrap returns [ErrInUse].
func (e *InUseError) Unwrap() error { return ErrInUse }
