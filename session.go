package secrets

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Session is an app's door: it opens what was granted to the service of its
// token, and nothing else, whatever else is in the store. It is safe for
// concurrent use and has nothing to close.
type Session struct {
	store storage.Store
	token Token
	cache *cache // nil for none

	mu     sync.Mutex
	opened openToken
	floors floors // versions of secrets, and the service key's serial, as seen
}

// openToken is a token's record and the service key in it.
type openToken struct {
	value  []byte
	record tokenRecord
	key    *crypto.ServiceKey
}

// Connect opens a session with a token, in one call of the store. It gives
// [ErrUnauthenticated] if the token is empty, unknown or revoked or has expired,
// or the store has no such organization, and [ErrTampered] if the token's record
// does not open.
func Connect(ctx context.Context, store storage.Store, token Token) (*Session, error) {
	s, err := newSession(store, token)
	if err != nil {
		return nil, err
	}
	since := s.floors.now()
	entries, err := getEach(ctx, s.store, s.tokenKey(), organizationKey(s.Organization()))
	if err == nil && entries[1].Version == 0 {
		err = fmt.Errorf("%w: the store has no organization of that name; is it the right database?", ErrUnauthenticated)
	}
	if err == nil {
		_, err = s.open(entries[0], since)
	}
	if err != nil {
		return nil, s.fail("connect", err)
	}
	return s, nil
}

func newSession(store storage.Store, token Token) (*Session, error) {
	if store == nil {
		return nil, &Error{Op: "connect", Err: errNoStore}
	}
	if token.IsZero() {
		return nil, &Error{Op: "connect", Err: fmt.Errorf("%w: the token is empty", ErrUnauthenticated)}
	}
	return &Session{store: storage.Limit(store), token: token}, nil
}

// Organization returns the organization of the session's service.
func (s *Session) Organization() Name { return s.token.content().organization }

// Service returns the service of the session.
func (s *Session) Service() Name { return s.token.content().service }

// Environment returns what the service may read now, as of one instant. It
// makes two calls of the store, a third if something moved in between, and one
// more for each further 128 grants. What is granted while it reads may be
// missing. It gives [ErrUnauthenticated] once the
// token is revoked or has expired, and [ErrTampered] if any record that belongs to it does not
// open: an environment is whole, or there is none.
func (s *Session) Environment(ctx context.Context) (*Environment, error) {
	env, err := s.environment(ctx, nil)
	return env, s.fail("environment", err)
}

// environment notes in seen, unless it is nil, what the environment was made of.
func (s *Session) environment(ctx context.Context, seen map[string]uint64) (*Environment, error) {
	if s.cache != nil {
		return s.cached(ctx, seen)
	}
	return s.read(ctx, s.store, seen)
}

func (s *Session) read(ctx context.Context, store records, seen map[string]uint64) (*Environment, error) {
	if err := s.expired(); err != nil {
		return nil, err
	}
	since, token := s.floors.now(), s.token.content()
	r := &reader{
		store: store, organization: token.organization, service: token.service,
		keys: []string{s.tokenKey()}, seen: seen,
	}
	r.verify = func(v Variable, _ storage.Entry) error {
		return s.floors.raise(string(v.Secret), since, floor{v.Version})
	}
	r.authenticate = func(_ context.Context, entries []storage.Entry) error {
		t, err := s.open(entries[0], since)
		r.organizationID, r.serviceID, r.keyID, r.key = t.record.OrganizationID, t.record.ServiceID, t.record.KeyID, t.key
		return err
	}
	env, err := r.environment(ctx)
	if err := s.expired(); err != nil { // meanwhile
		return nil, err
	}
	return env, err
}

func (s *Session) tokenKey() string {
	token := s.token.content()
	return tokenKey(token.organization, token.service, token.id)
}

// open opens the token's record, at most once for one record.
func (s *Session) open(entry storage.Entry, since uint64) (openToken, error) {
	if entry.Version == 0 {
		return openToken{}, fmt.Errorf("%w: the token is unknown, or was revoked", ErrUnauthenticated)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened.key != nil && bytes.Equal(s.opened.value, entry.Value) {
		return s.opened, s.floors.raise("", since, floor{s.opened.record.KeySerial})
	}
	t, err := s.openRecord(entry.Value)
	if err != nil {
		return openToken{}, err
	}
	if err := s.floors.raise("", since, floor{t.record.KeySerial}); err != nil {
		return openToken{}, err
	}
	s.opened = t
	return t, nil
}

// openRecord opens the record of a token that has not expired.
func (s *Session) openRecord(data []byte) (openToken, error) {
	var t openToken
	if err := decode(data, &t.record); err != nil { // also if it is too large to be copied
		return openToken{}, err
	}
	t.value = bytes.Clone(data)
	token := s.token.content()
	if t.record.KeySerial < token.floor {
		return openToken{}, ErrTampered
	}
	var err error
	if t.key, err = token.key.UnwrapServiceKey(t.record.Wrap, token.binding(t.record)); err != nil {
		return openToken{}, err
	}
	return t, t.record.expired(s.now()) // which is true now that it has opened
}

// binding is what a token's record is bound to: names from the token's text,
// since a record could be a copy of another's; ids from the record, which are
// true once it opens.
func (c tokenContent) binding(r tokenRecord) crypto.TokenBinding {
	return crypto.TokenBinding{
		OrganizationID: r.OrganizationID, Organization: string(c.organization),
		ServiceID: r.ServiceID, Service: string(c.service),
		TokenID: c.id, KeyID: r.KeyID, KeySerial: r.KeySerial, Expires: uint64(r.Expires),
	}
}

func (s *Session) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return Error{Op: op, Organization: s.Organization(), Service: s.Service(), Err: err}.located()
}
