// Package fromenv connects an app by its environment alone:
//
//	SECRETS_STORE        the store, see [Connect]
//	SECRETS_TOKEN        the token, or
//	SECRETS_TOKEN_FILE   the file that holds it
//
// It knows every driver of this module, and so links all of them; a program that
// knows its store opens it itself and needs package envload alone. To have it
// done before main begins, import package autoload for its effect.
//
// The variables are unset once they were read, so that child processes do not
// inherit them: a connection string may hold a password.
package fromenv

import (
	"context"
	"errors"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
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
	close func() error
}

// Close closes the store, after which the session gives storage.ErrClosed.
func (s *Session) Close() error { return s.close() }

var _ secrets.Watcher = (*Session)(nil)

// Connect opens the store that SECRETS_STORE names, and a session in it:
//
//	sqlite:/var/lib/app/secrets.db                a file, opened to be read
//	postgres://app@db.example.com/main            as package postgres takes it
//	etcd://user:password@host1:2379,host2/prefix  port 2379 if none is given; prefix "secrets/";
//	                                              with ?tls=true by TLS and the system's certificates
//
// An [*envload.Error] says which variable is wrong, and never what is in it. The
// other errors are those of the driver and of [secrets.Connect]. The caller closes
// the session.
func Connect(ctx context.Context) (*Session, error) {
	text, textErr := takeStore()
	token, err := envload.Token(TokenVariable) // also if the store is wrong: it is unset here
	if err := errors.Join(textErr, err); err != nil {
		return nil, err
	}
	store, closeStore, err := open(ctx, text)
	if err != nil {
		return nil, err
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		return nil, errors.Join(err, closeStore())
	}
	return &Session{Session: session, close: closeStore}, nil
}

// A closing closes what it is given, the last one first.
type closing []func() error

func (c closing) close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i]())
	}
	return errors.Join(errs...)
}
