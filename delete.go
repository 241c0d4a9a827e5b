package secrets

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// DeleteOptions are the optional parts of a deletion.
type DeleteOptions struct {
	// Revoke deletes a secret although services are granted it, and an
	// organization with all secrets and services that it holds.
	Revoke bool
	IfID   string // only if it still has this ID; empty is any
}

// DeleteSecret deletes a secret for good: from one commit on, no service reads
// it. It gives [ErrNotFound], a [*InUseError] if services are granted the secret
// and opts do not say Revoke, and [ErrConflict] if it has another ID. What
// remains is a tombstone without the value, so that versions go on counting if
// the name is created again. An interrupted deletion is finished by repeating
// it, or by creating the name again. With Revoke it also deletes a secret of
// which one record does not open, or none if this Client has seen it before.
func (o *Organization) DeleteSecret(ctx context.Context, name Name, opts *DeleteOptions) error {
	if opts == nil {
		opts = &DeleteOptions{}
	}
	return o.fail("delete secret", "", name, o.deleteSecret(ctx, name, opts))
}

func (o *Organization) deleteSecret(ctx context.Context, name Name, opts *DeleteOptions) error {
	if err := name.checkAs("secret"); err != nil {
		return err
	}
	w, r := o.writer(name), removal{opts: opts}
	return retry(ctx, func() error {
		v, s, err := w.read(ctx)
		if errors.Is(err, ErrTampered) && opts.Revoke {
			v, s, err = w.salvage(ctx)
		}
		if err != nil {
			return err
		}
		if s.unfinished() && !r.other(s) {
			return o.cleanUp(ctx, v, s)
		}
		if gone, err := r.decide(s); gone || err != nil {
			return err
		}
		return o.bury(ctx, v, s)
	})
}

// A removal is one deletion of a secret, over all its attempts.
type removal struct {
	opts  *DeleteOptions
	begun bool
	id    crypto.ID // of the secret that is deleted, once it is known
}

// other reports whether the secret that was to be deleted is gone, and another
// has its name.
func (r *removal) other(s *secretView) bool { return !r.id.IsZero() && s.record.ID != r.id }

// decide reports whether the secret is gone already. It returns an error if it is
// not to be deleted.
func (r *removal) decide(s *secretView) (gone bool, err error) {
	switch {
	case r.other(s), !s.live() && r.begun:
		return true, nil
	case !s.live():
		return false, errNoSecret
	}
	if err := s.checkID(r.opts.IfID); err != nil {
		return false, err
	}
	if grants := s.grants(); len(grants) > 0 && !r.opts.Revoke {
		return false, &InUseError{Grants: grants}
	}
	r.begun = true
	if !s.nameless {
		r.id = s.record.ID
	}
	return false, nil
}

// salvage returns what is known of a secret of which a record does not open, or
// is missing, for a deletion. What does open may be an older state, so the
// counters go on from the clock, which is ahead of any that were counted.
func (w *writer) salvage(ctx context.Context) (*view, *secretView, error) {
	o, key := w.org, secretKey(w.org.name, w.name)
	v, err := o.read(ctx, key, accessKey(o.name, w.name))
	if err != nil {
		return nil, nil, err
	}
	s := &secretView{name: w.name, salvaged: true}
	if _, err := v.decode(key, typeSecret, &s.record, w.name); err != nil {
		s.record = secretRecord{}
	}
	if _, err := v.decode(accessKey(o.name, w.name), typeAccess, &s.access, w.name); err != nil {
		s.access = accessRecord{}
	}
	known := o.state.floors.known(key)
	if max(s.record.Serial, s.access.Serial, known[1]) == 0 {
		return nil, nil, ErrTampered
	}
	s.record.ID = cmp.Or(s.record.ID, s.access.SecretID)
	if s.nameless = s.record.ID.IsZero(); s.nameless {
		s.record.ID = crypto.NewID()
	}
	s.record.Serial = max(s.record.Serial, s.access.Serial, known[1], o.client.clock())
	s.record.Version, s.record.State = max(s.record.Version, known[0], s.record.Serial), stateLive
	o.client.log.Warn("deleting a secret of which a record does not open", "organization", o.name, "secret", w.name)
	return v, s, nil
}

// bury puts the tombstone, and takes as many grants away as fit beside it.
func (o *Organization) bury(ctx context.Context, v *view, s *secretView) error {
	b, all, err := o.burial(ctx, v, s)
	if err != nil {
		return err
	}
	if err := v.commit(ctx, b); err != nil || all {
		return err
	}
	return errMore // to read the tombstone and clean up
}

// burial returns the batch that puts the tombstone, and whether it takes all
// grants away.
func (o *Organization) burial(ctx context.Context, v *view, s *secretView) (b storage.Batch, all bool, err error) {
	tombstone := secretRecord{
		ID: s.record.ID, Version: s.record.Version, Serial: s.record.Serial + 1, State: stateDeleted,
		Created: s.record.Created, Updated: instantOf(o.client.now()),
	}
	value, err := v.encode(typeSecret, tombstone, s.name)
	if err != nil {
		return b, false, err
	}
	key := secretKey(o.name, s.name)
	v.will(key, &tombstone)
	b = v.batch(key)
	b.Puts = []storage.Put{{Key: key, Value: value}}
	if b.Deletes, err = o.olderKeys(ctx, s); err != nil {
		return b, false, err
	}
	fit := (storage.MaxWrites - 2 - len(b.Deletes)) / 2 // two records each, beside the tombstone and the access record
	for _, g := range s.access.Grantees[:min(fit, len(s.access.Grantees))] {
		if s.salvaged { // others may have the variable by now, and whoever wants it takes it over
			g.Env = NoEnv
		}
		b.Deletes = append(b.Deletes, o.grantKeys(s.name, g)...)
	}
	if all = len(s.access.Grantees) <= fit; all {
		b.Deletes = append(b.Deletes, accessKey(o.name, s.name))
	}
	return b, all, nil
}

// olderKeys returns the keys of the older versions of a secret that is deleted.
// If its record does not open, those are taken that are there.
func (o *Organization) olderKeys(ctx context.Context, s *secretView) ([]string, error) {
	if !s.salvaged {
		return o.historyKeys(s), nil
	}
	entries, err := o.client.store.List(ctx, versionPrefix(o.name, s.name), "", maxVersions)
	return keysThatFit(entries), err
}

// keysThatFit returns the keys of entries that were listed, without those that are
// too long to be the engine's: a batch could not take them all.
func keysThatFit(entries []storage.Entry) []string {
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		if len(e.Key) <= storage.MaxKey {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// grantKeys returns the keys of a grant's row and variable.
func (o *Organization) grantKeys(secret Name, g grantee) []string {
	keys := []string{rowKey(o.name, g.Service, secret)}
	if g.Env != NoEnv {
		keys = append(keys, variableKey(o.name, g.Service, g.Env))
	}
	return keys
}

// cleanUp removes what is left of the grants of a deleted secret. Each batch
// checks and writes the tombstone, so that of several cleaners one gets through
// and none removes what came after it.
func (o *Organization) cleanUp(ctx context.Context, v *view, s *secretView) error {
	for len(s.access.Grantees) > 0 {
		left, v2, s2, err := o.leftOvers(ctx, s)
		if err != nil {
			return err
		}
		v, s = v2, s2
		if !s.unfinished() || len(left) == 0 {
			break
		}
		b := o.again(v, s)
		b.Deletes = left[:min(len(left), storage.MaxWrites-1)]
		if err := v.commit(ctx, b); err != nil {
			return err
		}
	}
	if !s.unfinished() {
		return nil
	}
	b := o.again(v, s)
	b.Deletes = []string{accessKey(o.name, s.name)}
	return v.commit(ctx, b)
}

// again returns a batch that writes the tombstone as it was read.
func (o *Organization) again(v *view, s *secretView) storage.Batch {
	key := secretKey(o.name, s.name)
	b := v.batch(key)
	b.Puts = []storage.Put{{Key: key, Value: bytes.Clone(v.entries[key].Value)}}
	return b
}

// leftOvers reads the tombstone again and, at the same instant, which records
// of its grants are still there and are its own.
func (o *Organization) leftOvers(ctx context.Context, s *secretView) ([]string, *view, *secretView, error) {
	keys := []string{secretKey(o.name, s.name), accessKey(o.name, s.name)}
	for _, g := range s.access.Grantees {
		keys = append(keys, o.grantKeys(s.name, g)...)
	}
	v, err := o.read(ctx, keys...)
	if err != nil {
		return nil, nil, nil, err
	}
	again, err := v.secret(s.name)
	if err != nil {
		return nil, nil, nil, err
	}
	var left []string
	for _, key := range keys[2:] {
		if _, ok := v.entries[key]; ok && !v.heldByOther(key, s.name) {
			left = append(left, key)
		}
	}
	return left, v, again, nil
}

// heldByOther reports whether key is that of a variable that another secret
// goes to by now.
func (v *view) heldByOther(key string, secret Name) bool {
	var record variableRecord
	return decode(v.entries[key].Value, &record) == nil && record.Secret != secret
}
