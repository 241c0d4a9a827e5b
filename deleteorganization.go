package secrets

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// DeleteOrganization deletes an organization for good. It gives [ErrNotFound],
// [ErrWrongRoot], [ErrInUse] while it holds a secret or a service and opts do
// not say Revoke, and [ErrConflict] if it has another ID. Its keyset goes first,
// and with it everything that was encrypted under it. An interrupted deletion
// is finished, or undone if the organization is in use, by repeating it or by
// creating the name again; until then the organization cannot be opened.
func (c *Client) DeleteOrganization(ctx context.Context, name Name, opts *DeleteOptions) error {
	if opts == nil {
		opts = &DeleteOptions{}
	}
	return c.fail("delete organization", name, c.deleteOrganization(ctx, name, opts))
}

func (c *Client) deleteOrganization(ctx context.Context, name Name, opts *DeleteOptions) error {
	if err := name.checkAs("organization"); err != nil {
		return err
	}
	var id crypto.ID // of the organization that is deleted, once it is known
	return retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		switch {
		case err != nil:
			return err
		case entry.Version == 0 && !id.IsZero():
			return nil
		case entry.Version == 0:
			return errNoOrganization
		}
		org, err := c.handle(ctx, name, entry, record) // a mistyped key file must not delete anything
		switch {
		case err != nil:
			return err
		case !id.IsZero() && org.id != id:
			return nil // it is gone, and another has its name
		case opts.IfID != "" && opts.IfID != org.id.String():
			return errOtherID
		}
		if record.State == stateLive {
			if err := org.markDeleting(ctx, entry, record, opts.Revoke); err != nil {
				return err
			}
			id = record.ID
			return errMore // from what was written
		}
		id = record.ID
		return org.finishDeletion(ctx, entry, record, opts.Revoke)
	})
}

// markDeleting stops every writer. Unless everything is to go, the keyset stays
// until it is known for certain that nothing is there.
func (o *Organization) markDeleting(ctx context.Context, entry storage.Entry, record organizationRecord, revoke bool) error {
	if revoke {
		return o.dropKeyset(ctx, entry, record)
	}
	if used, err := o.inUse(ctx); err != nil || used {
		return cmp.Or(err, errHolds)
	}
	return o.rewrite(ctx, entry, record, stateDeleting)
}

var errHolds = fmt.Errorf("%w: it holds secrets or services", ErrInUse)

// dropKeyset puts a new keyset in the place of the organization's: nothing opens
// any more, and the record still shows who has written it. Otherwise whoever can
// write to the database could have the rest removed.
func (o *Organization) dropKeyset(ctx context.Context, entry storage.Entry, record organizationRecord) error {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return err
	}
	record.State = stateDeleted
	if err := o.putKeyset(ctx, o.client.currentRoot(), entry, record, keyset); err != nil {
		return err
	}
	o.state.bury()
	return nil
}

// rewrite writes the record in another state.
func (o *Organization) rewrite(ctx context.Context, entry storage.Entry, record organizationRecord, to state) error {
	keyset, err := o.keyset(ctx, entry)
	if err != nil {
		return err
	}
	record.State = to
	value, err := sealRecord(keyset, typeOrganization, record.ID, record, o.name)
	if err != nil {
		return err
	}
	return o.replace(ctx, entry, value)
}

// finishDeletion goes on with a deletion that is under way.
func (o *Organization) finishDeletion(ctx context.Context, entry storage.Entry, record organizationRecord, revoke bool) error {
	if record.State == stateDeleted {
		o.state.bury()
		return o.removeRecords(ctx, entry)
	}
	used, err := o.inUse(ctx)
	if err != nil {
		return err
	}
	if used && !revoke {
		if err := o.rewrite(ctx, entry, record, stateLive); err != nil {
			return err
		}
		return errHolds
	}
	if err := o.dropKeyset(ctx, entry, record); err != nil {
		return err
	}
	return errMore
}

// removeRecords removes what belongs to an organization whose keyset is gone,
// and then its record. Tokens go first: then no app sees a part of the rest.
func (o *Organization) removeRecords(ctx context.Context, entry storage.Entry) error {
	check := []storage.Check{{Key: entry.Key, Version: entry.Version}}
	for _, prefix := range []string{tokensPrefix(o.name), organizationPrefix(o.name)} {
		if err := sweep(ctx, o.client.store, prefix, check); err != nil {
			return err
		}
	}
	_, err := commit(ctx, o.client.store, storage.Batch{Checks: check, Deletes: []string{entry.Key}})
	return err
}

// inUse reports whether there is a service, or a secret that is not deleted.
// Records that do not open count: somebody has to look at them.
func (o *Organization) inUse(ctx context.Context) (bool, error) {
	for _, r := range list(ctx, o.client.store, servicePrefix(o.name), nil) {
		return r.err == nil, r.err
	}
	for _, r := range list(ctx, o.client.store, secretPrefix(o.name), nil) {
		if r.err != nil {
			return false, r.err
		}
		var record secretRecord
		if err := decode(r.entry.Value, &record); errors.Is(err, ErrTampered) || record.State != stateDeleted {
			return true, nil
		}
	}
	return false, nil
}
