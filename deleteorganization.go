package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// DeleteOrganization deletes an organization for good. It gives [ErrNotFound],
// [ErrInUse] while it holds a secret or a service and opts do not say Revoke,
// and [ErrConflict] if it has another ID. Its keyset goes first, and with it
// everything that was encrypted under it. An interrupted deletion is finished,
// or undone if the organization is in use, by repeating it or by creating the
// name again; until then the organization cannot be opened.
func (c *Client) DeleteOrganization(ctx context.Context, name Name, opts *DeleteOptions) error {
	if opts == nil {
		opts = &DeleteOptions{}
	}
	return c.fail("delete organization", name, c.deleteOrganization(ctx, name, opts))
}

func (c *Client) deleteOrganization(ctx context.Context, name Name, opts *DeleteOptions) error {
	if err := name.check(); err != nil {
		return err
	}
	tried := false
	return retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		switch {
		case err != nil:
			return err
		case entry.Version == 0 && tried:
			return nil
		case entry.Version == 0:
			return ErrNotFound
		case opts.IfID != "" && opts.IfID != record.ID.String():
			return fmt.Errorf("%w: it was deleted and created again", ErrConflict)
		}
		tried = true
		if record.State == stateDeleting {
			return c.finishDeletion(ctx, name, entry, record, opts.Revoke)
		}
		if err := c.markDeleting(ctx, name, entry, record, opts.Revoke); err != nil {
			return err
		}
		return errAgain // to go on from what was written
	})
}

// markDeleting stops every writer. Unless everything is to go, the keyset stays
// until it is known that nothing is there.
func (c *Client) markDeleting(ctx context.Context, name Name, entry storage.Entry, record organizationRecord, revoke bool) error {
	if revoke {
		return c.dropKeyset(ctx, name, entry, record)
	}
	record.State = stateDeleting
	return c.rewriteOrganization(ctx, name, entry, record)
}

func (c *Client) dropKeyset(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) error {
	record.State, record.Keyset = stateDeleting, nil
	return commit(ctx, c.store, storage.Batch{
		Checks: []storage.Check{{Key: entry.Key, Version: entry.Version}},
		Puts:   []storage.Put{{Key: organizationKey(name), Value: encode(record)}},
	})
}

// rewriteOrganization writes the record, with its tag, in another state.
func (c *Client) rewriteOrganization(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) error {
	org := &Organization{client: c, name: name, id: record.ID, state: c.stateOf(record.ID)}
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
	if len(record.Keyset) > 0 {
		used, err := c.inUse(ctx, name)
		if err != nil {
			return err
		}
		if used && !revoke {
			record.State = stateLive
			if err := c.rewriteOrganization(ctx, name, entry, record); err != nil {
				return err
			}
			return fmt.Errorf("%w: it holds secrets or services", ErrInUse)
		}
		if err := c.dropKeyset(ctx, name, entry, record); err != nil {
			return err
		}
		return errAgain
	}
	check := []storage.Check{{Key: entry.Key, Version: entry.Version}}
	for {
		page, err := c.store.List(ctx, organizationPrefix(name), "", storage.MaxWrites)
		if err != nil {
			return err
		}
		b := storage.Batch{Checks: check}
		for _, e := range page {
			b.Deletes = append(b.Deletes, e.Key)
		}
		if len(page) == 0 {
			b.Deletes = []string{entry.Key}
		}
		if err := commit(ctx, c.store, b); err != nil || len(page) == 0 {
			return err
		}
	}
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
