package secrets

import (
	"bytes"
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
	keys         []string // the records that authenticate is given, in this order
	authenticate func(ctx context.Context, entries []storage.Entry) error
	verify       func(v Variable, e storage.Entry) error // of a secret that opened; e was read with those
	seen         map[string]uint64                       // Version of each entry read, 0 of one that is not there; nil to forget

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
	keys := slices.Grow(slices.Clone(r.keys), len(rows))
	for _, row := range rows {
		keys = append(keys, secretKey(r.organization, row.secret))
	}
	secrets, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	vars, err := r.assemble(rows, secrets)
	if errors.Is(err, errMoved) || errors.Is(err, errNotGranted) {
		vars, err = r.readTogether(ctx, firstLook{r.key, rows, secrets, vars}, keys)
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

// A firstLook is what was read, and as much of it as opened: of the first rows, in
// their order.
type firstLook struct {
	key     *crypto.ServiceKey
	rows    []row
	secrets []storage.Entry
	opened  []Variable
}

// readTogether is the second look, which is final. keys are those of the first.
func (r *reader) readTogether(ctx context.Context, first firstLook, keys []string) ([]Variable, error) {
	for _, row := range first.rows {
		keys = append(keys, rowKey(r.organization, r.service, row.secret))
	}
	entries, err := r.get(ctx, keys)
	if err != nil {
		return nil, err
	}
	secrets, rows := entries[:len(first.rows)], entries[len(first.rows):]
	var vars []Variable
	for i, row := range first.rows {
		if rows[i].Version == 0 {
			continue
		}
		v, err := r.openAgain(first, i, rows[i], secrets[i])
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

// openAgain returns what the row at i of the first look gave then, if all is as it
// was: beside somebody who writes all the time, that is nearly every one.
func (r *reader) openAgain(first firstLook, i int, entry, secret storage.Entry) (Variable, error) {
	before := first.rows[i]
	if i < len(first.opened) && r.key == first.key && secret.Version != 0 && bytes.Equal(before.value, entry.Value) &&
		bytes.Equal(first.secrets[i].Value, secret.Value) {
		v := first.opened[i]
		if err := r.verify(v, secret); err != nil { // by what authenticates the second look
			return Variable{}, inSecret(before.secret, err)
		}
		return v, nil
	}
	row, err := newRow(before.secret, entry)
	if err != nil {
		return Variable{}, err
	}
	return r.open(&row, secret)
}

// get reads the records under keys, of which the first authenticate the reader,
// and returns the others: each in its place, with no Version if it is not there.
func (r *reader) get(ctx context.Context, keys []string) ([]storage.Entry, error) {
	entries, err := getEach(ctx, r.store, keys...)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		r.see(key, entries[i].Version)
	}
	own := len(r.keys)
	return entries[own:], r.authenticate(ctx, entries[:own])
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

// A row is a grant, as it is stored for the app. It is not decoded before it is
// opened: what is done between the two reads gives others time to write.
type row struct {
	secret Name
	value  []byte
	record rowRecord
}

// newRow refuses what is larger than any row: nobody can make an app hold more
// than some kilobytes for each.
func newRow(secret Name, e storage.Entry) (row, error) {
	if len(e.Value) > maxRow {
		return row{}, inSecret(secret, ErrTampered)
	}
	return row{secret: secret, value: e.Value}, nil
}

// decode decodes a row, unless it is none that the engine has written.
func (r *row) decode() error {
	if err := decode(r.value, &r.record); err != nil {
		return inSecret(r.secret, err)
	}
	if len(r.record.Wraps) == 0 || len(r.record.Wraps) > maxWraps {
		return inSecret(r.secret, ErrTampered)
	}
	return nil
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

// assemble opens what rows grant, each with the entry of its secret, as far as that
// opens.
func (r *reader) assemble(rows []row, secrets []storage.Entry) ([]Variable, error) {
	vars := make([]Variable, len(rows))
	for i := range rows {
		var err error
		if vars[i], err = r.open(&rows[i], secrets[i]); err != nil {
			return vars[:i], err
		}
	}
	return vars, nil
}

// open opens one secret by its row.
func (r *reader) open(row *row, e storage.Entry) (v Variable, err error) {
	if err := row.decode(); err != nil {
		return v, err
	}
	if e.Version == 0 {
		return v, errNotGranted
	}
	var secret sealedSecret
	if err := decode(e.Value, &secret); err != nil {
		return v, inSecret(row.secret, err)
	}
	plaintext, err := r.decrypt(*row, secret)
	if err != nil {
		return v, inSecret(row.secret, err)
	}
	defer clear(plaintext)
	v = Variable{Name: row.record.Env, Value: Bytes(plaintext), Secret: row.secret, ID: secret.ID.String(), Version: secret.Version}
	if err := r.verify(v, e); err != nil {
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
	return byKey(entries), err
}

// byKey leaves out what is not there.
func byKey(entries []storage.Entry) map[string]storage.Entry {
	m := make(map[string]storage.Entry, len(entries))
	for _, e := range entries {
		if e.Version != 0 {
			m[e.Key] = e
		}
	}
	return m
}

// getEach returns what is under each key, in the order asked, as a store answers;
// an entry has no Version if there is none.
func getEach(ctx context.Context, store records, keys ...string) ([]storage.Entry, error) {
	found, err := store.Get(ctx, keys...)
	entries := make([]storage.Entry, len(keys))
	for i, key := range keys {
		if len(found) > 0 && found[0].Key == key {
			entries[i], found = found[0], found[1:]
		}
	}
	return entries, err
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
