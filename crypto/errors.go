package crypto

import (
	"context"
	"errors"
)

// The errors of this package, to be found with [errors.Is]. None of them ever
// carries a cause: what Tink, a KMS client or a JSON parser says about a
// failure may quote what it failed on.
var (
	// ErrTampered says that a ciphertext, a wrap or a tag does not open: it
	// was changed, moved to another place, made under another key or not meant
	// for this reader. Which of them cannot be told, and is not meant to be.
	// Trying again does not help.
	ErrTampered = errors.New("does not open: changed, moved or not meant for this reader")

	// ErrWrongRoot says that the root did not give this organization's keyset:
	// it is another key, the wrap was changed, a KMS refused or failed in a way
	// that cannot be told from that, or there is no root at all. Of a key file,
	// check the path: a mistyped one makes a new key. Of a KMS, check the key's
	// name, the right to decrypt, and whether the service is up: it may be an
	// outage (see [FromTinkWithContext]). If the root was replaced, this process
	// lacks the new one (see [Roots]).
	ErrWrongRoot = errors.New("the root does not open this organization: " +
		"it is another key (check the path of the key file, and whether the root was replaced), " +
		"or a KMS that refused or failed (check the key's name, the right to decrypt, and whether the service is up)")

	// ErrRootUnavailable says that the root could not be asked, or could not
	// or would not wrap. It tells nothing about the data. Look at the KMS, the
	// network and the permissions, then try again. A [Root] returns it, wrapped
	// or bare, to report an outage that this package cannot see by itself.
	ErrRootUnavailable = errors.New("the root is unavailable")
)

var (
	errBinding = errors.New("crypto: more fields, or longer ones, than associated data can hold")
	errKeySize = errors.New("crypto: a key has 32 bytes")
	errID      = errors.New("crypto: an id has 16 bytes, in text 32 lower-case hexadecimal digits")
)

// unwrapError turns what a root said about an unwrap into what callers may
// see. The text is dropped: a KMS client may quote the request.
func unwrapError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isOutage(err) {
		return ErrRootUnavailable
	}
	return ErrWrongRoot
}

// wrapError does the same for a wrap, which has no key to be wrong about:
// whatever fails, the root cannot be used now. Only a root that is not there,
// nil among [Roots], says [ErrWrongRoot] here.
func wrapError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrWrongRoot) {
		return ErrWrongRoot
	}
	return ErrRootUnavailable
}

// isOutage tells an answer from the lack of one. Errors of the network and the
// operating system (net, net/url, os, syscall) have a Timeout method, whether
// or not they are timeouts; a failed decryption never has. A context error of
// a context that is not the caller's is a limit that the root set itself.
func isOutage(err error) bool {
	var transport interface {
		error
		Timeout() bool
	}
	return errors.Is(err, ErrRootUnavailable) ||
		errors.Is(err, context.Canceled) ||
		errors.As(err, &transport)
}
