package secrets

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Receipt says how thoroughly a secret, or an organization, is gone.
type Receipt struct {
	Organization Name
	Secret       Name      // empty if the organization was deleted
	ID           string    // of the secret that was deleted last
	DeletedAt    time.Time // of the secret
	Level        Level
}

// A Level is how far a deletion has been confirmed.
type Level int

// The levels. Each includes the one before it.
const (
	// LevelNone: nothing was confirmed.
	LevelNone Level = iota

	// LevelRecords: the store gives out no record any more that holds a value
	// or a key of what was deleted, the older versions and the grants among
	// them.
	LevelRecords

	// LevelFiles: no ciphertext and no wrapped key of it is left in the
	// store's own files either, as the driver's Purge says. What it does not
	// reach, such as backups, becomes unreadable with the keys that it needs:
	// see [Organization.RotateKey] and [Client.RotateRoot].
	LevelFiles
)

// String returns "none", "records" or "files".
func (l Level) String() string {
	switch l {
	case LevelRecords:
		return "records"
	case LevelFiles:
		return "files"
	}
	return "none"
}

// ConfirmDeletion looks whether a secret that was deleted is really gone,
// removes what is left of it, and has the store purge its own files if it is a
// [storage.Purger]; that may take as long as writing everything once. It may be
// repeated. It gives [ErrNotFound] if no secret of that name was ever deleted,
// and [ErrExists] if there is one. The receipt says what was reached, also beside
// an error: where the store cannot purge it ends at [LevelRecords].
func (o *Organization) ConfirmDeletion(ctx context.Context, secret Name) (Receipt, error) {
	receipt := Receipt{Organization: o.name, Secret: valid(secret)}
	err := o.confirmDeletion(ctx, secret, &receipt)
	return receipt, o.fail("confirm deletion", "", secret, err)
}

func (o *Organization) confirmDeletion(ctx context.Context, secret Name, receipt *Receipt) error {
	if err := secret.checkAs("secret"); err != nil {
		return err
	}
	w, begun := o.writer(secret), false
	err := retry(ctx, func() error {
		v, s, err := w.read(ctx)
		switch {
		case err != nil:
			return err
		case s.live():
			return errLives
		case !s.exists():
			return errNoSecret
		}
		begun = true
		receipt.ID, receipt.DeletedAt = s.record.ID.String(), s.record.Updated.time()
		if s.unfinished() {
			return cmp.Or(o.cleanUp(ctx, v, s), error(errMore))
		}
		return o.removeRest(ctx, v, s)
	})
	if err != nil {
		return unsettled(begun, err)
	}
	receipt.Level = LevelRecords
	return o.client.purge(ctx, receipt)
}

var errLives = fmt.Errorf("%w: it was not deleted", ErrExists)

// removeRest removes records of a deleted secret that nothing lists: somebody has
// put them back, or its own record did not open when it was deleted.
func (o *Organization) removeRest(ctx context.Context, v *view, s *secretView) error {
	checks := v.batch(secretKey(o.name, s.name)).Checks
	if err := sweep(ctx, o.client.store, versionPrefix(o.name, s.name), checks); err != nil {
		return err
	}
	rows, err := o.rowsOf(ctx, s.name)
	if err != nil {
		return err
	}
	return inBatches(rows, storage.MaxWrites, func(some []string) error { // of keys of any length, if somebody has put them there
		return v.commit(ctx, storage.Batch{Checks: checks, Deletes: some})
	})
}

// rowsOf returns the keys of all rows of a secret, whoever has put them there.
func (o *Organization) rowsOf(ctx context.Context, secret Name) (rows []string, err error) {
	for _, r := range list(ctx, o.client.store, rowsPrefix(o.name), nil) {
		if r.err != nil {
			return nil, r.err
		}
		if strings.HasSuffix(r.entry.Key, "/"+string(secret)) {
			rows = append(rows, r.entry.Key)
		}
	}
	return rows, nil
}

// ConfirmDeletion looks whether an organization that was deleted is really gone,
// as [Organization.ConfirmDeletion] does for a secret: its keyset, and every
// record that was under it. A deletion that was interrupted is finished first, or
// taken back, with [ErrInUse], if it was one of an organization that turns out to
// hold something. It gives [ErrExists] if there is an organization of that name.
func (c *Client) ConfirmDeletion(ctx context.Context, organization Name) (Receipt, error) {
	receipt := Receipt{Organization: valid(organization)}
	err := c.confirmDeletion(ctx, organization, &receipt)
	return receipt, c.fail("confirm deletion", organization, err)
}

func (c *Client) confirmDeletion(ctx context.Context, name Name, receipt *Receipt) error {
	if err := name.checkAs("organization"); err != nil {
		return err
	}
	err := retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		switch {
		case err != nil:
			return err
		case entry.Version == 0:
			check := []storage.Check{{Key: organizationKey(name)}}
			return sweep(ctx, c.store, organizationPrefix(name), check)
		case record.State == stateLive:
			return errLives
		}
		org, err := c.handle(ctx, name, entry, record)
		if err != nil {
			return err
		}
		return cmp.Or(org.finishDeletion(ctx, entry, record, false), error(errMore))
	})
	if err != nil {
		return err
	}
	receipt.Level = LevelRecords
	return c.purge(ctx, receipt)
}

// purge has the store remove from its files what it does not give out any more.
func (c *Client) purge(ctx context.Context, receipt *Receipt) error {
	purger, ok := c.store.(storage.Purger)
	if !ok {
		return nil
	}
	if err := purger.Purge(ctx); err != nil {
		return err
	}
	receipt.Level = LevelFiles
	return nil
}
