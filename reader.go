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
	for _, row := range rows {
		keys = append(keys, secretKey(r.organization, row.secret))
	}
	entries, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	vars, err := r.assemble(rows, entries)
	if errors.Is(err, errMoved) || errors.Is(err, errNotGranted) {
		vars, err = r.readTogether(ctx, rows, keys)
	}
	if err != nil {
		return nil, err
	}
	env, err := NewEnvironment(vars...)
	if err != nil { // two rows in one variable are what Grant refuses: somebody else put them there
		return nil, ErrTampered
	}
	return env, nil
}

// readTogether is the second look, which is final.
func (r *reader) readTogether(ctx context.Context, seen []row, keys []string) ([]Variable, error) {
	for _, row := range seen {
		keys = append(keys, rowKey(r.organization, r.service, row.secret))
	}
	entries, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	var vars []Variable
	for _, row := range seen {
		entry, ok := entries[rowKey(r.organization, r.service, row.secret)]
		if !ok {
			continue
		}
		v, err := r.openEntry(row.secret, entry, entries)
		switch {
		case err == nil:
			vars = append(vars, v)
		case errors.Is(err, errMoved):
			return nil, inSecret(row.secret, ErrTampered)
		case !errors.Is(err, errNotGranted):
			return nil, err
		}
	}
	return vars, nil
}

func (r *reader) openEntry(name Name, entry storage.Entry, entries map[string]storage.Entry) (Variable, error) {
	row, err := newRow(name, entry)
	if err != nil {
		return Variable{}, err
	}
	return r.open(row, entries)
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

// A row is a grant, as it is stored for the app.
type row struct {
	secret Name
	record rowRecord
}

// newRow decodes a row, unless it is none that the engine has written: nobody can
// make an app hold more than some kilobytes for each.
func newRow(secret Name, e storage.Entry) (row, error) {
	r := row{secret: secret}
	if len(e.Value) > maxRow {
		return r, inSecret(secret, ErrTampered)
	}
	if err := decode(e.Value, &r.record); err != nil {
		return r, inSecret(secret, err)
	}
	if len(r.record.Wraps) == 0 || len(r.record.Wraps) > maxWraps {
		return r, inSecret(secret, ErrTampered)
	}
	return r, nil
}

// rows lists the service's rows.
func (r *reader) rows(ctx context.Context) (rows []row, err error) {
	for name, e := range list(ctx, r.store, rowPrefix(r.organization, r.service), nil) {
		switch {
		case e.err != nil:
			return nil, e.err
		case name == "":
			return nil, ErrTampered
		case len(rows) == maxRows:
			return nil, fmt.Errorf("%w: the service has more than %d grants", ErrLimit, maxRows)
		}
		row, err := newRow(name, e.entry)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		r.see(e.entry.Key, e.entry.Version)
	}
	return rows, nil
}

// Reasons why a row opens nothing, of which either something has moved since it
// was read, or the grant is gone.
var (
	errMoved      = errors.New("no wrap is for what the secret is now")
	errNotGranted = errors.New("the secret is gone")
)

// assemble opens what rows grant.
func (r *reader) assemble(rows []row, entries map[string]storage.Entry) ([]Variable, error) {
	vars := make([]Variable, len(rows))
	for i, row := range rows {
		var err error
		if vars[i], err = r.open(row, entries); err != nil {
			return nil, err
		}
	}
	return vars, nil
}

// open opens one secret by its row.
func (r *reader) open(row row, entries map[string]storage.Entry) (v Variable, err error) {
	e, ok := entries[secretKey(r.organization, row.secret)]
	if !ok {
		return v, errNotGranted
	}
	var secret sealedSecret
	if err := decode(e.Value, &secret); err != nil {
		return v, inSecret(row.secret, err)
	}
	plaintext, err := r.decrypt(row, secret)
	if err != nil {
		return v, inSecret(row.secret, err)
	}
	defer clear(plaintext)
	v = Variable{Name: row.record.Env, Value: Bytes(plaintext), Secret: row.secret, ID: secret.ID.String(), Version: secret.Version}
	if err := r.verify(v); err != nil {
		return Variable{}, inSecret(row.secret, err)
	}
	return v, nil
}

// decrypt returns the value in a buffer that the caller clears.
func (r *reader) decrypt(row row, secret sealedSecret) (plaintext []byte, err error) {
	if secret.State != stateLive || secret.ID != row.record.SecretID {
		return nil, errNotGranted
	}
	wraps := row.record.Wraps
	i := slices.IndexFunc(wraps, func(w grantWrap) bool { return w.KeyID == secret.KeyID && w.ServiceKeyID == r.keyID })
	if i < 0 {
		return nil, errMoved
	}
	key, err := r.key.UnwrapVersionKey(wraps[i].Wrap, crypto.GrantBinding{
		OrganizationID: r.organizationID, Organization: string(r.organization),
		SecretID: secret.ID, Secret: string(row.secret), Version: secret.Version, VersionKeyID: secret.KeyID,
		ServiceID: r.serviceID, Service: string(r.service), ServiceKeyID: r.keyID, Env: row.record.Env,
		Digest: crypto.DigestOf(secret.Ciphertext),
	})
	if err != nil {
		return nil, err
	}
	return key.Decrypt(secret.Ciphertext, valueBinding(r.organizationID, row.secret, secret.ID, secret.Version))
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
