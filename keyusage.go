package secrets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// KeyInfo is what may be known of a key of an organization.
type KeyInfo struct {
	ID      string // eight hexadecimal digits
	Primary bool   // everything new is encrypted under it
	Records int    // that were made under it, or hold a key that was
}

// KeyUsage returns the organization's keys, the oldest first, and how many
// records need each. There is one, unless [Organization.RotateKey] is at work, was
// interrupted, or met records that do not open: these are counted under the key
// that they name. It goes through all records, in constant memory; what is
// written meanwhile may be counted under either key.
func (o *Organization) KeyUsage(ctx context.Context) ([]KeyInfo, error) {
	var infos []KeyInfo
	err := retry(ctx, func() (err error) {
		infos, err = o.keyUsage(ctx)
		return err
	})
	return infos, o.fail("key usage", "", "", err)
}

func (o *Organization) keyUsage(ctx context.Context) ([]KeyInfo, error) {
	before, err := o.read(ctx)
	if err != nil {
		return nil, err
	}
	keys := before.keyset.Keys()
	infos := make([]KeyInfo, len(keys))
	for i, id := range keys {
		infos[i] = KeyInfo{ID: id.String(), Primary: id == before.keyset.Primary()}
	}
	for page, err := range o.sealed(ctx) {
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			ids, _ := e.needs(o.id)
			for i, id := range keys {
				if slices.Contains(ids, id) {
					infos[i].Records++
				}
			}
		}
	}
	after, err := o.read(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(after.keyset.Keys(), keys) {
		return nil, errAgain
	}
	return infos, nil
}

var errNoKey = fmt.Errorf("key %w", ErrNotFound)

// RetireKey drops an old key. It gives [ErrNotFound], and [ErrInUse] if it is the
// primary key or a record needs it. [Organization.RotateKey] does it by itself,
// unless there are records that do not open. RetireKey gives these up: they do
// not keep the key, and restoring them from a backup is of no use afterwards.
func (o *Organization) RetireKey(ctx context.Context, id string) error {
	return o.fail("retire key", "", "", o.retireKey(ctx, id))
}

func (o *Organization) retireKey(ctx context.Context, text string) error {
	id, err := crypto.ParseKeyID(text)
	if err != nil {
		return errNoKey
	}
	v, err := o.read(ctx)
	switch {
	case err != nil:
		return err
	case !slices.Contains(v.keyset.Keys(), id):
		return errNoKey
	case id == v.keyset.Primary():
		return fmt.Errorf("%w: it is the primary key", ErrInUse)
	}
	if err := o.checkUnused(ctx, id); err != nil {
		return err
	}
	return o.retire(ctx, []crypto.KeyID{id})
}

// checkUnused returns ErrInUse if there is a record that opens, and not without
// the key.
func (o *Organization) checkUnused(ctx context.Context, id crypto.KeyID) error {
	for page, err := range o.sealed(ctx) {
		if err != nil {
			return err
		}
		for _, e := range page {
			if ids, _ := e.needs(o.id); !slices.Contains(ids, id) {
				continue
			}
			if err := o.checkDamaged(ctx, id, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDamaged returns ErrInUse unless a record that names the key does not open.
func (o *Organization) checkDamaged(ctx context.Context, id crypto.KeyID, listed sealedEntry) error {
	v, entries, err := o.readSealed(ctx, []sealedEntry{listed})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ids, _ := e.needs(o.id); !slices.Contains(ids, id) {
			continue
		}
		name := strings.TrimPrefix(e.Key, organizationPrefix(o.name))
		_, err := v.resealed(e)
		if err == nil {
			return fmt.Errorf("%w: %s needs the key", ErrInUse, name)
		}
		if !errors.Is(err, ErrTampered) {
			return err
		}
		o.client.log.Warn("a record that does not open is given up with its key", "organization", o.name, "record", name)
	}
	return nil
}
