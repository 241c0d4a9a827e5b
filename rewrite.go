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

// A writer is one operation on one secret, over all its attempts.
type writer struct {
	org  *Organization
	name Name

	rewrites bool                 // it wraps for all grantees, and so reads their services' keys
	written  map[crypto.ID]Secret // by version key id: what each attempt would have made
	id       crypto.ID            // see same
	lost     *lostRewrite         // an attempt whose outcome is not known
	claims   claims
}

// A lostRewrite is what a rewrite was to replace: the secret's entry, and the
// version key in it, which is zero if it was to create the secret.
type lostRewrite struct {
	version uint64
	keyID   crypto.ID
}

func (o *Organization) writer(name Name) *writer {
	return &writer{org: o, name: name, written: make(map[crypto.ID]Secret), claims: claims{}}
}

// same reports whether the secret is the one that the operation met first, and
// not one that was created under its name since.
func (w *writer) same(s *secretView) bool {
	if w.id.IsZero() {
		w.id = s.record.ID
	}
	return w.id == s.record.ID
}

// read reads the secret, the records under more and, for a rewrite, the
// grantees' services at one instant, once no other writer's claim is on it.
func (w *writer) read(ctx context.Context, more ...string) (*view, *secretView, error) {
	o := w.org
	keys := append([]string{secretKey(o.name, w.name), accessKey(o.name, w.name)}, more...)
	for {
		v, s, err := w.readOnce(ctx, keys)
		if err != nil {
			return nil, nil, err
		}
		_, ours := w.written[s.record.Claim]
		if !w.claims.blocked(v, s, ours) {
			return v, s, nil
		}
		if err := pause(ctx, claimPoll); err != nil {
			return nil, nil, err
		}
	}
}

func (w *writer) readOnce(ctx context.Context, keys []string) (*view, *secretView, error) {
	v, err := w.org.read(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	s, err := v.secret(w.name)
	if err != nil || !w.rewrites || !s.live() || len(s.access.Grantees) == 0 {
		return v, s, err
	}
	services := make([]string, 0, len(s.access.Grantees))
	for _, g := range s.access.Grantees {
		if key := serviceKey(w.org.name, g.Service); !slices.Contains(keys, key) {
			services = append(services, key)
		}
	}
	access := s.access
	if v, err = w.org.read(ctx, slices.Concat(keys, services)...); err != nil {
		return nil, nil, err
	}
	if s, err = v.secret(w.name); err == nil && s.live() && s.access.Serial != access.Serial {
		return nil, nil, errAgain // other grantees than those whose services were read
	}
	return v, s, err
}

// landed returns what an attempt of this operation made, if it is among the
// last that the secret remembers. If the outcome of an attempt was lost, and
// neither its key nor the one that it would have replaced is there any more,
// nobody can tell.
func (w *writer) landed(v *view, s *secretView) (Secret, bool, error) {
	for _, id := range slices.Backward(s.record.Recent) {
		if made, ok := w.written[id]; ok {
			return made, true, nil
		}
	}
	switch {
	case w.lost == nil || w.lost.version == v.entries[secretKey(w.org.name, w.name)].Version:
		return Secret{}, false, nil
	case !w.lost.keyID.IsZero() && slices.Contains(s.record.Recent, w.lost.keyID):
		w.lost = nil // others have written since: ours never will
		return Secret{}, false, nil
	}
	return Secret{}, false, ErrUnknownOutcome
}

// A rewrite gives a secret a new version key: to set a value, or to take the
// old key from a service that is to lose the secret or read it elsewhere.
type rewrite struct {
	record   secretRecord // afterwards: what does not come with the new key
	value    Value
	grantees []grantee // afterwards, sorted by service
	moved    Name      // the service whose row changes with the rewrite and not before
	puts     []storage.Put
	deletes  []string
	checks   []storage.Check
}

// rewrite commits r: in one batch if it fits, in stages otherwise.
func (w *writer) rewrite(ctx context.Context, v *view, s *secretView, r rewrite) (Secret, error) {
	grantees, err := v.narrowed(r.grantees)
	if err != nil {
		return Secret{}, err
	}
	r.grantees = grantees
	next, err := v.sealVersion(s.name, r.record.ID, r.record.Version, r.value)
	if err != nil {
		return Secret{}, err
	}
	made := (&secretView{name: s.name, record: r.record}).info()
	w.written[next.keyID] = made
	if 2+len(r.grantees)+len(r.puts)+len(r.deletes) > storage.MaxWrites {
		if v, s, err = w.stage(ctx, v, s, r, next); err != nil {
			return Secret{}, err
		}
	}
	b, err := w.flip(v, s, r, next)
	if err != nil {
		return Secret{}, err
	}
	err = v.commit(ctx, b)
	if errors.Is(err, ErrUnknownOutcome) && w.lost == nil {
		w.lost = &lostRewrite{version: v.entries[secretKey(v.org.name, s.name)].Version, keyID: s.record.KeyID}
	}
	return made, err
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

// putSecret returns a batch that writes both records of a secret, on the
// condition that they, and the organization, are as they were read.
func (v *view) putSecret(s *secretView, record secretRecord, access accessRecord) (storage.Batch, error) {
	name := v.org.name
	b := v.batch(secretKey(name, s.name))
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
	claimed := s.record
	claimed.Claim = next.keyID
	value, err := v.encode(typeSecret, claimed, s.name)
	if err != nil {
		return nil, nil, err
	}
	key := secretKey(v.org.name, s.name)
	b := v.batch(key)
	b.Puts = []storage.Put{{Key: key, Value: value}}
	if err := v.commit(ctx, b); err != nil {
		return nil, nil, err
	}
	if err := v.refresh(ctx, key, value); err != nil {
		return nil, nil, err
	}
	s = &secretView{name: s.name, record: claimed, access: s.access}
	for chunk := range slices.Chunk(r.grantees, storage.MaxWrites-1) {
		b := v.batch(key)
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
		if err := v.commit(ctx, b); err != nil {
			return nil, nil, err
		}
		if err := v.refresh(ctx, key, value); err != nil {
			return nil, nil, err
		}
	}
	return v, s, nil
}

// refresh reads the version of a record that this view has just written.
func (v *view) refresh(ctx context.Context, key string, value []byte) error {
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
