package secrets

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// maxGrants is the most grants of one secret, and of one service. The app's
// second look reads token, rows and secrets in one Get of at most 10,000 keys.
const maxGrants = 4096

// maxAccess keeps an access record, and beside it the secret with the version
// before, within a batch.
const maxAccess = 832 << 10

// checkGrantees returns ErrLimit if an access record of them could exceed
// maxAccess while services have two keys.
func checkGrantees(grantees []grantee) error {
	const id = 17 // bytes in CBOR
	if len(encodeBody(accessRecord{Grantees: grantees}))+id*len(grantees) > maxAccess {
		return fmt.Errorf("%w: the grants of the secret exceed %d bytes", ErrLimit, maxAccess)
	}
	return nil
}

// A rewrite gives a secret a new version key: to set a value, or to take the
// old key from a service that is to lose the secret or read it elsewhere.
type rewrite struct {
	record    secretRecord // afterwards: what does not come with the new key
	plaintext []byte       // wiped once it is encrypted
	grantees  []grantee    // afterwards, sorted by service
	moved     Name         // the service whose row changes with the rewrite and not before
	puts      []storage.Put
	deletes   []string
	checks    []storage.Check
}

// rewrite commits r: in one batch if it fits, in stages otherwise.
func (w *writer) rewrite(ctx context.Context, v *view, s *secretView, r rewrite) (Secret, error) {
	next, made, err := w.seal(v, s, &r)
	if err != nil {
		return Secret{}, err
	}
	if 2+len(r.grantees)+len(r.puts)+len(r.deletes) > storage.MaxWrites {
		if v, s, err = w.stage(ctx, v, s, r, next); err != nil {
			return Secret{}, err
		}
	}
	b, err := w.flip(v, s, r, next)
	if err != nil {
		return Secret{}, err
	}
	if err := v.bind(ctx, &b, r.grantees); err != nil {
		return Secret{}, err
	}
	err = v.commit(ctx, b)
	w.note(v, s, err)
	return made, err
}

// seal encrypts what r sets, and remembers what that would make of the secret.
func (w *writer) seal(v *view, s *secretView, r *rewrite) (next *sealedVersion, made Secret, err error) {
	defer clear(r.plaintext)
	if r.grantees, err = v.narrowed(r.grantees); err != nil {
		return nil, made, err
	}
	if next, err = v.sealVersion(s.name, r.record.ID, r.record.Version, r.plaintext); err != nil {
		return nil, made, err
	}
	made = (&secretView{name: s.name, record: r.record}).info()
	w.attempts = append(w.attempts, attempt{next.keyID, made})
	return next, made, nil
}

// flip returns the batch that makes next the current version. After stage, the
// rows of those who stay hold its wraps already.
func (w *writer) flip(v *view, s *secretView, r rewrite, next *sealedVersion) (storage.Batch, error) {
	staged := s.record.Claim == next.keyID
	record := secretRecord{
		ID: r.record.ID, Version: r.record.Version, Serial: s.record.Serial + 1, KeyID: next.keyID,
		Recent:     lastOf(append(slices.Clone(s.record.Recent), next.keyID), recentKeys),
		Ciphertext: next.ciphertext, Wrap: next.wrap,
		Created: r.record.Created, Updated: r.record.Updated, Oldest: r.record.Oldest,
	}
	access := accessRecord{SecretID: record.ID, Serial: record.Serial, Grantees: r.grantees}
	b, err := v.putSecret(s, record, access)
	if err != nil {
		return b, err
	}
	for _, g := range r.grantees {
		if staged && g.Service != r.moved {
			continue
		}
		row, err := v.row(s, record.ID, g, next)
		if err != nil {
			return b, err
		}
		b.Puts = append(b.Puts, row)
	}
	b.Puts = append(b.Puts, r.puts...)
	b.Deletes = append(b.Deletes, r.deletes...)
	b.Checks = append(b.Checks, r.checks...)
	return b, nil
}

// secretBatch returns a batch that holds if a secret, and the organization, are as
// they were read; and the list of who has access, if that names anybody. Every
// write of it is one of the secret's record too, but somebody could put that one
// record back as it was, with its version, and those who were revoked meanwhile
// would be wrapped for.
func (v *view) secretBatch(s *secretView) storage.Batch {
	keys := []string{secretKey(v.org.name, s.name)}
	if len(s.access.Grantees) > 0 {
		keys = append(keys, accessKey(v.org.name, s.name))
	}
	return v.batch(keys...)
}

// putSecret returns a batch that writes both records of a secret, on the
// condition that they, and the organization, are as they were read.
func (v *view) putSecret(s *secretView, record secretRecord, access accessRecord) (storage.Batch, error) {
	name, b := v.org.name, v.secretBatch(s)
	value, err := v.encode(typeSecret, record, s.name)
	if err != nil {
		return b, err
	}
	list, err := v.encode(typeAccess, access, s.name)
	if err != nil {
		return b, err
	}
	v.will(secretKey(name, s.name), &record)
	b.Puts = []storage.Put{{Key: secretKey(name, s.name), Value: value}, {Key: accessKey(name, s.name), Value: list}}
	return b, nil
}

// putGrant returns a batch that writes the row of one of grantees anew, for the
// version that there is, and both records of the secret with them.
func (v *view) putGrant(s *secretView, grantees []grantee, i int, current *sealedVersion) (storage.Batch, error) {
	record := s.record
	record.Serial, record.Claim = record.Serial+1, crypto.ID{}
	b, err := v.putSecret(s, record, accessRecord{SecretID: record.ID, Serial: record.Serial, Grantees: grantees})
	if err != nil {
		return b, err
	}
	row, err := v.row(s, record.ID, grantees[i], current)
	b.Puts = append(b.Puts, row)
	return b, err
}

// stage prepares a rewrite that does not fit a batch: a claim in the secret's
// record, then rows with the wraps of both versions for all who stay. Whatever
// another writer does to the secret drops the claim, and every batch fails that
// was made for it.
func (w *writer) stage(ctx context.Context, v *view, s *secretView, r rewrite, next *sealedVersion) (*view, *secretView, error) {
	current, err := v.unseal(s)
	if err != nil {
		return nil, nil, err
	}
	defer current.wipe()
	claimed := s.record
	claimed.Claim = next.keyID
	value, err := v.encode(typeSecret, claimed, s.name)
	if err != nil {
		return nil, nil, err
	}
	key := secretKey(v.org.name, s.name)
	b := v.secretBatch(s)
	b.Puts = []storage.Put{{Key: key, Value: value}}
	if err := v.commitAgain(ctx, b, key, value); err != nil {
		return nil, nil, err
	}
	s = &secretView{name: s.name, record: claimed, access: s.access}
	for chunk := range slices.Chunk(r.grantees, storage.MaxWrites-1) {
		b := v.secretBatch(s)
		b.Puts = []storage.Put{{Key: key, Value: value}} // shows those who wait that we go on
		for _, g := range chunk {
			if g.Service == r.moved {
				continue
			}
			row, err := v.row(s, r.record.ID, g, current, next)
			if err != nil {
				return nil, nil, err
			}
			b.Puts = append(b.Puts, row)
		}
		if err := v.commitAgain(ctx, b, key, value); err != nil {
			return nil, nil, err
		}
	}
	return v, s, nil
}

// bind has b hold only if no grantee's key was replaced since it was read. If a row
// was hidden from a replacement, that has touched nothing else that b checks. Where
// there are more grantees than a batch has conditions, they are read once more.
func (v *view) bind(ctx context.Context, b *storage.Batch, grantees []grantee) error {
	var keys []string
	for _, g := range grantees {
		keys = append(keys, v.org.serviceKeys(g.Service)...)
	}
	keys = distinct(keys)
	if len(b.Checks)+len(keys) <= storage.MaxChecks {
		for _, key := range keys {
			if check := v.check(key); !slices.Contains(b.Checks, check) {
				b.Checks = append(b.Checks, check)
			}
		}
		return nil
	}
	now, err := v.org.read(ctx, keys...)
	if err != nil {
		return err
	}
	for _, g := range grantees {
		if _, err := now.granteeKeys(g); err != nil {
			return errAgain
		}
	}
	return nil
}

// commitAgain is commit for a batch that writes value under key, and is followed by
// another one on the condition that nobody else does.
func (v *view) commitAgain(ctx context.Context, b storage.Batch, key string, value []byte) error {
	version, err := v.commitVersion(ctx, b)
	if err != nil {
		return err
	}
	if version != 0 {
		v.entries[key] = storage.Entry{Key: key, Value: value, Version: version}
		return nil
	}
	entries, err := v.org.client.store.Get(ctx, key)
	if err != nil {
		return err
	}
	if len(entries) == 0 || !bytes.Equal(entries[0].Value, value) {
		return errAgain // somebody has taken over
	}
	v.entries[key] = entries[0]
	return nil
}

func lastOf(ids []crypto.ID, n int) []crypto.ID { return ids[max(0, len(ids)-n):] }
