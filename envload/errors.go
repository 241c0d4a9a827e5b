package envload

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-9f6dc42a/secrets"
)

// What may be wrong with a variable or a field, to be found with [errors.Is]
// in the [*Error] that every function returns. A variable that no secret may go
// to is [secrets.ErrInvalidEnv], a text that is no token's is
// [secrets.ErrUnauthenticated].
var (
	// ErrMissing: a variable that must be there is neither granted nor set,
	// or it is empty. Grant the secret, or set the variable.
	ErrMissing = errors.New("missing")

	// ErrExisting: the variable exists already, and the rule is [Fail]; or of
	// a token, the variable and the one that names a file are both set. Unset
	// one.
	ErrExisting = errors.New("already set")

	// ErrTooLarge: no program could be started with such a variable, or with
	// so many. Grant a large value without a variable ([secrets.NoEnv]).
	ErrTooLarge = errors.New("too large for an environment")

	// ErrParse: the value is not one of the field's type. Correct the value,
	// or the type. The value is not repeated.
	ErrParse = errors.New("the value does not parse")

	// ErrInvalid: the method Validate of the type refuses what is granted.
	// What it says is not repeated, since it may quote a value: have it log
	// what is safe to be logged.
	ErrInvalid = errors.New("validation failed")

	// ErrStruct: the type is not a struct or has no field with a tag, or a
	// field is not exported, or its type or an option in its tag cannot be
	// used. Change the struct.
	ErrStruct = errors.New("the struct cannot be filled")

	// ErrOptions: the [Options] make no sense, or the source is nil. Change
	// the call.
	ErrOptions = errors.New("invalid options")
)

// An Error lists everything that is wrong, sorted by variable and field.
// [errors.Is] and [errors.As] look into each [Problem]. It never carries a
// value, nor what another library said about one.
type Error struct{ Problems []Problem }

// A Problem is one thing that is wrong, and where. Fields that do not concern
// it are empty.
type Problem struct {
	Env    string       // environment variable
	Field  string       // of the struct, such as Shards[1].URL
	Type   string       // of the field, without tags
	Secret secrets.Name // that the value came from
	Err    error
}

// newError returns the problems as an error: nil if there are none.
func newError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, Problem.compare)
	same := func(a, b Problem) bool { return a.compare(b) == 0 }
	return &Error{Problems: slices.CompactFunc(problems, same)}
}

func (p Problem) compare(q Problem) int {
	return cmp.Or(
		cmp.Compare(p.Env, q.Env),
		cmp.Compare(p.Field, q.Field),
		cmp.Compare(p.Err.Error(), q.Err.Error()),
	)
}

// Error returns one line with all problems.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("envload: ")
	if len(e.Problems) > 1 {
		fmt.Fprintf(&b, "%d problems: ", len(e.Problems))
	}
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Error())
	}
	return b.String()
}

// Unwrap returns the problems.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// Error says where the problem is, and then what it is.
func (p Problem) Error() string {
	var where []string
	if p.Field != "" {
		where = append(where, "field "+p.Field)
	}
	if p.Type != "" {
		where = append(where, "type "+p.Type)
	}
	if p.Secret != "" {
		where = append(where, fmt.Sprintf("secret %q", p.Secret))
	}
	text := p.Err.Error()
	switch list := strings.Join(where, ", "); {
	case p.Env == "" && list == "":
		return text
	case p.Env == "":
		return list + ": " + text
	case list == "":
		return p.Env + ": " + text
	default:
		return p.Env + " (" + list + "): " + text
	}
}

// Unwrap returns the reason.
func (p Problem) Unwrap() error { return p.Err }

// cause returns the system's reason for err and nothing around it, where a
// path or an argument is quoted that may be a value put in the wrong place.
func cause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return errUnknownCause
}

var errUnknownCause = errors.New("for a reason that the system does not give")
