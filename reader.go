package secrets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A reader reads the environment of a service: one call's worth, for an app by
// its token and for a platform by the service's record.
type reader struct {
	store        records
	organization Name
	service      Name
	keys         []string // the records that authenticate opens
	authenticate func(ctx context.Context, entries map[string]storage.Entry) error
	verify       func(v Variable) error // of a secret among those entries that opened
	seen         map[string]uint64      // Version of each entry read, 0 of one that is not there; nil to forget

	// What authenticate finds.
	organizationID crypto.ID
	serviceID      crypto.ID
	keyID          crypto.ID
	key            *crypto.ServiceKey
}

// environment reads the rows, then the secrets they name with the token at one
// instant. A row without a wrap for what the secret is now means that something
// moved in between: then all of it is read together, and at one instant the
// records always agree, so that what is missing there is not granted, and what
// does not fit was tampered with.
func (r *reader) environment(ctx context.Context) (*Environment, error) {
	rows, err := r.rows(ctx)
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(r.keys)
	for _, name := range rows.names {
		keys = append(keys, secretKey(r.organization, name))
	}
	entries, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	vars, complete, err := r.assemble(rows, entries)
	if err != nil {
		return nil, err
	}
	if !complete {
		if vars, err = r.readTogether(ctx, rows.names, keys); err != nil {
			return nil, err
		}
	}
	env, err := NewEnvironment(vars...)
	if err != nil { // two rows in one variable are what Grant refuses: somebody else put them there
		return nil, ErrTampered
	}
	return env, nil
}

// readTogether is the second look, which is final.
func (r *reader) readTogether(ctx context.Context, names []Name, keys []string) ([]Variable, error) {
	for _, name := range names {
		keys = append(keys, rowKey(r.organization, r.service, name))
	}
	entries, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	rows := rowSet{records: make(map[Name]rowRecord, len(names))}
	for _, name := range names {
		row, ok := entries[rowKey(r.organization, r.service, name)]
		if !ok {
			continue
		}
		var secret secretRecord
		e, ok := entries[secretKey(r.organization, name)]
		if !ok {
			continue
		}
		if err := rows.add(name, row); err != nil {
			return nil, err
		}
		if err := decode(e.Value, &secret); err != nil {
			return nil, inSecret(name, err)
		}
		if secret.State != stateLive || secret.ID != rows.records[name].SecretID {
			rows.drop(name)
		}
	}
	vars, complete, err := r.assemble(rows, entries)
	if err == nil && !complete {
		err = ErrTampered
	}
	return vars, err
}

// get reads the records under keys, which authenticate the reader.
func (r *reader) get(ctx context.Context, keys []string) (map[string]storage.Entry, error) {
	entries, err := getMap(ctx, r.store, keys...)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		r.see(key, entries[key].Version)
	}
	return entries, r.authenticate(ctx, entries)
}

func (r *reader) see(key string, version uint64) {
	if r.seen != nil {
		r.seen[key] = version
	}
}

// maxRows is as many grants as can be looked at together: a row and a secret
// each, and up to three records to authenticate. It is more than maxGrants, since
// grants that are made at once may together exceed that.
const maxRows = (storage.MaxGet - 3) / 2

// A row holds a wrap for each of two versions, while a rewrite is staged, and
// each of two keys, while the service's is replaced: about 130 bytes each.
const (
	maxWraps = 4
	maxRow   = 4 << 10
)

// A rowSet is the rows of a service.
type rowSet struct {
	names   []Name
	records map[Name]rowRecord
}

// add takes a row, unless it is none that the engine has written: nobody can
// make an app hold more than some kilobytes for each.
func (s *rowSet) add(name Name, e storage.Entry) error {
	var row rowRecord
	if len(e.Value) > maxRow {
		return inSecret(name, ErrTampered)
	}
	if err := decode(e.Value, &row); err != nil {
		return inSecret(name, err)
	}
	if len(row.Wraps) == 0 || len(row.Wraps) > maxWraps {
		return inSecret(name, ErrTampered)
	}
	s.names = append(s.names, name)
	s.records[name] = row
	return nil
}

func (s *rowSet) drop(name Name) {
	s.names = slices.DeleteFunc(s.names, func(n Name) bool { return n == name })
}

// rows lists the service's rows.
func (r *reader) rows(ctx context.Context) (rowSet, error) {
	rows := rowSet{records: make(map[Name]rowRecord)}
	for name, row := range list(ctx, r.store, rowPrefix(r.organization, r.service), nil) {
		switch {
		case row.err != nil:
			return rows, row.err
		case name == "":
			return rows, ErrTampered
		case len(rows.names) == maxRows:
			return rows, fmt.Errorf("%w: the service has more than %d grants", ErrLimit, maxRows)
		}
		if err := rows.add(name, row.entry); err != nil {
			return rows, err
		}
		r.see(row.entry.Key, row.entry.Version)
	}
	return rows, nil
}

// assemble opens what rows grant. It is incomplete if a row has no wrap for
// what the secret is now.
func (r *reader) assemble(rows rowSet, entries map[string]storage.Entry) (vars []Variable, complete bool, err error) {
	vars = make([]Variable, 0, len(rows.names))
	for _, name := range rows.names {
		e, ok := entries[secretKey(r.organization, name)]
		if !ok {
			return nil, false, nil
		}
		var secret secretRecord
		if err := decode(e.Value, &secret); err != nil {
			return nil, false, inSecret(name, err)
		}
		v, ok, err := r.open(name, rows.records[name], secret)
		if err != nil {
			return nil, false, inSecret(name, err)
		}
		if !ok {
			return nil, false, nil
		}
		if err := r.verify(v); err != nil {
			return nil, false, inSecret(name, err)
		}
		vars = append(vars, v)
	}
	return vars, true, nil
}

// open opens one secret by its row; ok is false if the row has no wrap for it.
func (r *reader) open(name Name, row rowRecord, secret secretRecord) (v Variable, ok bool, err error) {
	plaintext, ok, err := r.decrypt(name, row, secret)
	if err != nil || !ok {
		return v, false, err
	}
	defer clear(plaintext)
	return Variable{Name: row.Env, Value: Bytes(plaintext), Secret: name, ID: secret.ID.String(), Version: secret.Version}, true, nil
}

// decrypt returns the value in a buffer that the caller clears.
func (r *reader) decrypt(name Name, row rowRecord, secret secretRecord) (plaintext []byte, ok bool, err error) {
	if secret.State != stateLive || secret.ID != row.SecretID {
		return nil, false, nil
	}
	i := slices.IndexFunc(row.Wraps, func(w grantWrap) bool { return w.KeyID == secret.KeyID && w.ServiceKeyID == r.keyID })
	if i < 0 {
		return nil, false, nil
	}
	key, err := r.key.UnwrapVersionKey(row.Wraps[i].Wrap, crypto.GrantBinding{
		OrganizationID: r.organizationID, Organization: string(r.organization),
		SecretID: secret.ID, Secret: string(name), Version: secret.Version, VersionKeyID: secret.KeyID,
		ServiceID: r.serviceID, Service: string(r.service), ServiceKeyID: r.keyID, Env: row.Env,
		Digest: crypto.DigestOf(secret.Ciphertext),
	})
	if err != nil {
		return nil, false, err
	}
	plaintext, err = key.Decrypt(secret.Ciphertext, valueBinding(r.organizationID, name, secret.ID, secret.Version))
	return plaintext, err == nil, err
}

func getMap(ctx context.Context, store records, keys ...string) (map[string]storage.Entry, error) {
	entries, err := store.Get(ctx, keys...)
	m := make(map[string]storage.Entry, len(entries))
	for _, e := range entries {
		m[e.Key] = e
	}
	return m, err
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
