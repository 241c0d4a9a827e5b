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
		gone := entry.Version == 0 || !id.IsZero() && record.ID != id
		switch {
		case err != nil:
			return err
		case gone && !id.IsZero():
			return nil
		case gone:
			return errNoOrganization
		case opts.IfID != "" && opts.IfID != record.ID.String():
			return errOtherID
		case record.State == stateDeleting:
			id = record.ID
			return c.finishDeletion(ctx, name, entry, record, opts.Revoke)
		}
		if err := c.markDeleting(ctx, name, entry, record, opts.Revoke); err != nil {
			return err
		}
		id = record.ID
		return errMore // from what was written
	})
}

// markDeleting stops every writer. Unless everything is to go, the keyset stays
// until it is known for certain that nothing is there.
func (c *Client) markDeleting(ctx context.Context, name Name, entry storage.Entry, record organizationRecord, revoke bool) error {
	if revoke {
		if _, err := c.openOrganization(ctx, name, entry, record); err != nil {
			return err // a mistyped key file must not delete anything
		}
		return c.dropKeyset(ctx, name, entry, record)
	}
	if used, err := c.inUse(ctx, name); err != nil || used {
		return cmp.Or(err, errHolds)
	}
	record.State = stateDeleting
	return c.rewriteOrganization(ctx, name, entry, record)
}

var errHolds = fmt.Errorf("%w: it holds secrets or services", ErrInUse)

func (c *Client) dropKeyset(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) error {
	record.State, record.Keyset = stateDeleting, nil
	err := commit(ctx, c.store, storage.Batch{
		Checks: []storage.Check{{Key: entry.Key, Version: entry.Version}},
		Puts:   []storage.Put{{Key: organizationKey(name), Value: encode(record)}},
	})
	if err == nil {
		c.forget(name, record.ID)
	}
	return err
}

// rewriteOrganization writes the record, with its tag, in another state.
func (c *Client) rewriteOrganization(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) error {
	org := &Organization{client: c, name: name, id: record.ID, state: c.stateOf(name, record.ID)}
	keyset, err := org.keyset(ctx, entry)
	if err != nil {
		return err
	}
	value, err := sealRecord(keyset, typeOrganization, record.ID, record, name)
	if err != nil {
		return err
	}
	return commit(ctx, c.store, storage.Batch{
		Checks: []storage.Check{{Key: entry.Key, Version: entry.Version}},
		Puts:   []storage.Put{{Key: organizationKey(name), Value: value}},
	})
}

// finishDeletion goes on with a deletion that is under way.
func (c *Client) finishDeletion(ctx context.Context, name Name, entry storage.Entry, record organizationRecord, revoke bool) error {
	if len(record.Keyset) == 0 {
		return c.removeRecords(ctx, name, entry)
	}
	used, err := c.inUse(ctx, name)
	if err != nil {
		return err
	}
	if used && !revoke {
		record.State = stateLive
		if err := c.rewriteOrganization(ctx, name, entry, record); err != nil {
			return err
		}
		return errHolds
	}
	if err := c.dropKeyset(ctx, name, entry, record); err != nil {
		return err
	}
	return errMore
}

// removeRecords removes what belongs to an organization whose keyset is gone,
// and then its record. Tokens go first: then no app sees a part of the rest.
func (c *Client) removeRecords(ctx context.Context, name Name, entry storage.Entry) error {
	check := []storage.Check{{Key: entry.Key, Version: entry.Version}}
	for _, prefix := range []string{organizationPrefix(name) + "token/", organizationPrefix(name)} {
		if err := sweep(ctx, c.store, prefix, check); err != nil {
			return err
		}
	}
	return commit(ctx, c.store, storage.Batch{Checks: check, Deletes: []string{entry.Key}})
}

// inUse reports whether there is a service, or a secret that is not deleted.
// Records that do not open count: somebody has to look at them.
func (c *Client) inUse(ctx context.Context, name Name) (bool, error) {
	for _, r := range list(ctx, c.store, servicePrefix(name), nil) {
		return r.err == nil, r.err
	}
	for _, r := range list(ctx, c.store, secretPrefix(name), nil) {
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
