// Package fromenv connects an app by its environment alone:
//
//	SECRETS_STORE        where the store is, see [Open]
//	SECRETS_TOKEN        the token, or
//	SECRETS_TOKEN_FILE   the file that holds it
//
// It knows every driver of this module, and so links all of them; a program that
// knows its store opens it itself and needs package envload alone. To have it
// done before main begins, import package autoload for its effect.
//
// The variables are unset once they were read, so that child processes do not
// inherit them: a connection string may hold a password.
//
// The store must answer: an app that is to start without it has a few lines of
// its own, for [Open] behind [storage.Lazy] and [secrets.ConnectCached].
package fromenv

import (
	"context"
	"errors"
	"os"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// The variables that are read.
const (
	StoreVariable = "SECRETS_STORE"
	TokenVariable = "SECRETS_TOKEN" // or with _FILE behind it
)

// Load sets what the app is granted in the environment of the process: it is
// [envload.Load] for the session of [Connect], which it closes. Call it once, at
// the start of main.
func Load(ctx context.Context, opts *envload.Options) (*envload.Report, error) {
	session, err := Connect(ctx)
	if err != nil {
		return nil, err
	}
	report, err := envload.Load(ctx, session, opts)
	return report, errors.Join(err, session.Close())
}

// A Session is the app's door, and the store behind it.
type Session struct {
	*secrets.Session
	store storage.Store
}

// Close closes the store, after which the session gives [storage.ErrClosed].
func (s *Session) Close() error { return s.store.Close() }

var _ secrets.Watcher = (*Session)(nil)

// Connect opens the store that SECRETS_STORE names, a file of SQLite to be read
// only, and a session in it. The caller closes the session.
//
// An [*envload.Error] says which variable is wrong, and never what is in it. The
// other errors are those of the driver and of [secrets.Connect].
func Connect(ctx context.Context) (*Session, error) {
	location, locationErr := takeLocation()
	token, err := envload.Token(TokenVariable) // also if the store is wrong: it is unset here
	if err := errors.Join(locationErr, err); err != nil {
		return nil, err
	}
	store, err := open(ctx, location, &sqlite.Options{ReadOnly: true})
	if errors.Is(err, ErrLocation) {
		return nil, problem(err)
	}
	if err != nil {
		return nil, err
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &Session{session, store}, nil
}

// takeLocation reads and unsets the variable.
func takeLocation() (string, error) {
	location := os.Getenv(StoreVariable)
	if err := os.Unsetenv(StoreVariable); err != nil {
		return "", problem(errors.New("cannot be unset"))
	}
	if location == "" {
		return "", problem(envload.ErrMissing)
	}
	return location, nil
}

func problem(err error) error {
	return &envload.Error{Problems: []envload.Problem{{Env: StoreVariable, Err: err}}}
}
