package secrets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// RotateKey gives the organization a new key, encrypts everything that was
// under its key anew, and then drops the old one. Values are not touched, nor
// what services hold: apps notice nothing, and everybody may go on reading and
// writing meanwhile. It takes constant memory.
//
// Keys of services that were under the old key stay the same. If that has leaked
// together with a copy of the database, revoke a token of each service afterwards,
// and then set the values anew.
//
// It may be called by several processes at once, which then share the work, and
// an interrupted call is finished by repeating it: while there is an old key, no
// further one is made. [Organization.KeyUsage] shows whether there is.
//
// It gives [ErrNotFound], and [ErrTampered] if records do not open. All others
// are done then, and the old key stays: delete or restore these records and
// repeat, or give them up with [Organization.RetireKey].
func (o *Organization) RotateKey(ctx context.Context, opts *RotateOptions) error {
	return o.fail("rotate key", "", "", o.rotateKey(ctx, opts.progress()))
}

func (o *Organization) rotateKey(ctx context.Context, p *progress) error {
	old, err := o.promote(ctx)
	if err != nil {
		return err
	}
	damaged, err := o.replaceKeys(ctx, old, p)
	if err != nil {
		return unsettled(true, err)
	}
	if err := damaged.err(); err != nil {
		return err
	}
	p.end()
	return nil
}

// promote adds a key, which is the primary one from then on: nobody can write
// under the old one any more, since every batch checks the organization's
// record. It returns the old key, or those of a rotation that is under way.
func (o *Organization) promote(ctx context.Context) (old []crypto.KeyID, err error) {
	err = retry(ctx, func() error {
		v, err := o.read(ctx)
		if err != nil {
			return err
		}
		if old = oldKeys(v.keyset); len(old) > 0 {
			return nil
		}
		rotated, err := v.keyset.Rotated()
		if err != nil {
			return err
		}
		old = v.keyset.Keys()
		return v.putKeyset(ctx, rotated)
	})
	return old, err
}

func oldKeys(keyset *crypto.Keyset) []crypto.KeyID {
	return slices.DeleteFunc(keyset.Keys(), func(id crypto.KeyID) bool { return id == keyset.Primary() })
}

// putKeyset replaces the organization's keyset.
func (v *view) putKeyset(ctx context.Context, keyset *crypto.Keyset) error {
	entry := v.entries[organizationKey(v.org.name)]
	var record organizationRecord
	if err := decode(entry.Value, &record); err != nil {
		return err
	}
	return v.org.putKeyset(ctx, v.org.client.currentRoot(), entry, record, keyset)
}

// replaceKeys goes through the records until it has found none that needs an
// old key, and then drops those. It returns the records that do not open.
func (o *Organization) replaceKeys(ctx context.Context, old []crypto.KeyID, p *progress) (*skipped, error) {
	if p.report != nil {
		total, err := o.countSealed(ctx)
		if err != nil {
			return nil, err
		}
		p.begin(total)
	}
	for range maxPasses {
		v, err := o.read(ctx)
		if err != nil || !containsAny(v.keyset.Keys(), old) {
			return &skipped{}, err
		}
		r := &resealing{org: o, primary: v.keyset.Primary(), progress: p, damaged: skipped{reason: ErrTampered}}
		if err := r.all(ctx); err != nil {
			return nil, err
		}
		if r.found {
			continue
		}
		if r.damaged.n > 0 {
			return &r.damaged, nil
		}
		return &skipped{}, o.retire(ctx, old)
	}
	return nil, ErrConflict
}

func (o *Organization) countSealed(ctx context.Context) (n int, err error) {
	for page, err := range o.sealed(ctx) {
		if err != nil {
			return 0, err
		}
		n += len(page)
	}
	return n, nil
}

func containsAny(all, some []crypto.KeyID) bool {
	return slices.ContainsFunc(some, func(id crypto.KeyID) bool { return slices.Contains(all, id) })
}

// retire drops old keys that nothing was found to need. Nothing can have come
// under them since: as long as one is there no key is added, and so the primary
// one is the same.
func (o *Organization) retire(ctx context.Context, old []crypto.KeyID) error {
	return retry(ctx, func() error {
		v, err := o.read(ctx)
		if err != nil {
			return err
		}
		keyset := v.keyset
		for _, id := range oldKeys(v.keyset) {
			if !slices.Contains(old, id) {
				continue
			}
			if keyset, err = keyset.Without(id); err != nil {
				return err
			}
		}
		if keyset == v.keyset {
			return nil // they are gone
		}
		return v.putKeyset(ctx, keyset)
	})
}

// A resealing goes once through the records of an organization and puts those
// that need another key under the primary one.
type resealing struct {
	org      *Organization
	primary  crypto.KeyID
	progress *progress
	found    bool // a record that needed another key
	damaged  skipped
}

func (r *resealing) all(ctx context.Context) error {
	for page, err := range r.org.sealed(ctx) {
		if err != nil {
			return err
		}
		old := make([]sealedEntry, 0, len(page))
		for _, e := range page {
			if !e.isUnder(r.org.id, r.primary) {
				old = append(old, e)
			}
		}
		for _, chunk := range batches(old) {
			if err := inBatches(chunk, len(chunk), func(some []sealedEntry) error { return r.some(ctx, some) }); err != nil {
				return err
			}
		}
		r.progress.add(len(page))
	}
	return nil
}

// batches cuts records into batches: a record is as large afterwards as it is.
func batches(entries []sealedEntry) [][]sealedEntry {
	var all [][]sealedEntry
	begin, size := 0, 0
	for i, e := range entries {
		n := len(e.Key) + len(e.Value)
		if size += n; size > storage.MaxBatch && i > begin {
			all = append(all, entries[begin:i])
			begin, size = i, n
		}
	}
	if begin < len(entries) {
		all = append(all, entries[begin:])
	}
	return all
}

// some puts records under the primary key in one batch. A single one is tried
// until it gets through; whoever writes it meanwhile does so under that key.
func (r *resealing) some(ctx context.Context, listed []sealedEntry) error {
	if len(listed) > 1 {
		return r.attempt(ctx, listed)
	}
	return retry(ctx, func() error { return r.attempt(ctx, listed) })
}

func (r *resealing) attempt(ctx context.Context, listed []sealedEntry) error {
	v, entries, err := r.org.readSealed(ctx, listed)
	if err != nil {
		return err
	}
	b, damaged := v.batch(), []string(nil)
	for _, e := range entries {
		if e.isUnder(v.org.id, v.keyset.Primary()) {
			continue
		}
		value, err := v.resealed(e)
		if errors.Is(err, ErrTampered) {
			damaged = append(damaged, strings.TrimPrefix(e.Key, organizationPrefix(v.org.name)))
			continue
		}
		if err != nil {
			return err
		}
		b.Checks = append(b.Checks, v.check(e.Key))
		b.Puts = append(b.Puts, storage.Put{Key: e.Key, Value: value})
	}
	if len(b.Puts) > 0 {
		r.found = true
		if err := v.commit(ctx, b); err != nil {
			return err
		}
	}
	r.damaged.add(damaged...)
	return nil
}
