package byhand

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// Reads are the two calls of a store that an app makes.
type Reads interface {
	Get(ctx context.Context, keys ...string) ([]storage.Entry, error)
	List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error)
}

// An App reads the environment of a service.
type App struct {
	store  Reads
	token  token
	entry  []byte // the token's record
	record tokenRecord
	key    tink.AEAD // the service's
}

// Open opens the token's record, in one call of the store.
func Open(ctx context.Context, store Reads, text string) (*App, error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, err
	}
	entries, err := store.Get(ctx, t.recordKey(), "orgs/"+t.organization)
	if err != nil {
		return nil, err
	}
	if len(entries) != 2 {
		return nil, errors.New("no such token")
	}
	a := &App{store: store, token: t, entry: entries[0].Value}
	if err := decode(a.entry, &a.record); err != nil {
		return nil, err
	}
	tokenKey, err := newXAES(t.key)
	if err != nil {
		return nil, err
	}
	r := a.record
	raw, err := tokenKey.Decrypt(r.Wrap, associatedData(kindToken,
		r.OrganizationID, t.organization, r.ServiceID, t.service, t.id, r.KeyID, r.KeySerial, r.Expires))
	if err != nil {
		return nil, err
	}
	a.key, err = newXAES(raw)
	return a, err
}

// Environment returns the variables, in two calls of the store.
func (a *App) Environment(ctx context.Context) (map[string]string, error) {
	sealed, err := a.Read(ctx)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(sealed))
	for _, s := range sealed {
		p, err := s.parse()
		if err != nil {
			return nil, err
		}
		if values[p.row.Env], err = a.decrypt(p); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Sealed is a secret with the row of its grant, as they are stored.
type Sealed struct {
	name        string
	row, secret []byte
}

// Read is the part of [App.Environment] that waits for the store.
func (a *App) Read(ctx context.Context) ([]Sealed, error) {
	prefix := a.token.rowPrefix()
	rows, err := a.store.List(ctx, prefix, "", 128)
	if err != nil {
		return nil, err
	}
	sealed := make([]Sealed, len(rows))
	keys := make([]string, 1, 1+len(rows))
	keys[0] = a.token.recordKey()
	for i, row := range rows {
		sealed[i] = Sealed{name: row.Key[len(prefix):], row: row.Value}
		keys = append(keys, a.token.secretPrefix()+sealed[i].name)
	}
	entries, err := a.store.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	if len(entries) != len(keys) || !bytes.Equal(entries[0].Value, a.entry) {
		return nil, errors.New("something has changed")
	}
	for i := range sealed {
		sealed[i].secret = entries[i+1].Value
	}
	return sealed, nil
}

// Parsed is a secret with the row of its grant, still encrypted.
type Parsed struct {
	name   string
	row    rowRecord
	secret secretRecord
}

// Parse decodes what was read.
func (a *App) Parse(sealed []Sealed) ([]Parsed, error) {
	parsed := make([]Parsed, len(sealed))
	for i, s := range sealed {
		p, err := s.parse()
		if err != nil {
			return nil, err
		}
		parsed[i] = p
	}
	return parsed, nil
}

func (s Sealed) parse() (Parsed, error) {
	p := Parsed{name: s.name}
	return p, errors.Join(decode(s.row, &p.row), decode(s.secret, &p.secret))
}

// Decrypt is the part of [App.Environment] that Tink does.
func (a *App) Decrypt(parsed []Parsed) ([]string, error) {
	values := make([]string, len(parsed))
	for i, p := range parsed {
		value, err := a.decrypt(p)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// decrypt unwraps the key of a secret's version, and decrypts the value.
func (a *App) decrypt(p Parsed) (string, error) {
	s, t := p.secret, a.record
	digest := sha256.Sum256(s.Ciphertext)
	raw, err := a.key.Decrypt(p.row.Wraps[0].Wrap, associatedData(kindGrant,
		t.OrganizationID, a.token.organization, s.ID, p.name, s.Version, s.KeyID,
		t.ServiceID, a.token.service, t.KeyID, p.row.Env, digest[:]))
	if err != nil {
		return "", err
	}
	key, err := subtle.NewAESGCM(raw)
	if err != nil {
		return "", err
	}
	plaintext, err := key.Decrypt(s.Ciphertext, associatedData(kindValue,
		t.OrganizationID, s.ID, p.name, s.Version, uint64(1)))
	return string(plaintext), err
}
