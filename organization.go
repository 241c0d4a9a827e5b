package secrets

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

var errNil = errors.New("the store and the root are required")

// An Organization holds secrets and the services that may be granted them. It
// is one of a [Client]'s handles: safe for concurrent use, to be kept as long
// as wished. Each call reads its records anew. When the organization is
// deleted, also if its name is created again, calls give [ErrNotFound].
type Organization struct {
	client *Client
	name   Name
	id     crypto.ID
	state  *organizationState
}

// OrganizationInfo is what may be known of an organization without its keys.
// It is not authenticated, since listing does not ask the root.
type OrganizationInfo struct {
	Name      Name
	ID        string
	CreatedAt time.Time
}

// organizationState is what all handles of an organization share: its open
// keyset, the service keys unwrapped so far, and what was seen of its records.
type organizationState struct {
	gate   chan struct{} // held while the root is asked, so that it is asked once
	mu     sync.Mutex
	value  []byte // the organization's record, as opened last
	keyset *crypto.Keyset
	keys   map[crypto.ID]*crypto.ServiceKey // an id always means the same key
	floors floors
}

// The most organizations a Client keeps open, and service keys it keeps of one.
// Beyond that it forgets some, and asks again when it needs them.
const (
	maxOrganizations = 1024
	maxServiceKeys   = 8192
)

// CreateOrganization creates an organization with a keyset of its own, wrapped
// by the root. If the name is taken it gives [ErrExists], but [ErrWrongRoot] if
// the root does not open what is there: a mistyped key file makes a new key. It
// finishes a deletion that was interrupted.
func (c *Client) CreateOrganization(ctx context.Context, name Name) (*Organization, error) {
	org, err := c.createOrganization(ctx, name)
	return org, c.fail("create organization", name, err)
}

func (c *Client) createOrganization(ctx context.Context, name Name) (*Organization, error) {
	if err := name.check(); err != nil {
		return nil, err
	}
	id := crypto.NewID()
	var org *Organization
	err := retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		if err != nil {
			return err
		}
		switch {
		case entry.Version == 0:
			return c.putOrganization(ctx, name, id)
		case record.State == stateDeleting:
			if err := c.finishDeletion(ctx, name, entry, record, false); err != nil {
				return err
			}
			return errAgain
		}
		if org, err = c.openOrganization(ctx, name, entry, record); err != nil {
			return err
		}
		if org.id != id {
			return ErrExists
		}
		return nil
	})
	if err != nil || org != nil {
		return org, err
	}
	return c.organization(ctx, name)
}

func (c *Client) putOrganization(ctx context.Context, name Name, id crypto.ID) error {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return err
	}
	record := organizationRecord{ID: id, Serial: 1, Created: instantOf(c.now())}
	record.Keyset, err = keyset.Wrap(ctx, c.root, organizationBinding(name, record))
	if err != nil {
		return err
	}
	value, err := sealRecord(keyset, typeOrganization, id, record, name)
	if err != nil {
		return err
	}
	return commit(ctx, c.store, storage.Batch{
		Checks: []storage.Check{{Key: organizationKey(name)}},
		Puts:   []storage.Put{{Key: organizationKey(name), Value: value}},
	})
}

// Organization opens an organization. It gives [ErrNotFound], or [ErrWrongRoot]
// if the root does not open it.
func (c *Client) Organization(ctx context.Context, name Name) (*Organization, error) {
	org, err := c.organization(ctx, name)
	return org, c.fail("open organization", name, err)
}

func (c *Client) organization(ctx context.Context, name Name) (*Organization, error) {
	if err := name.check(); err != nil {
		return nil, err
	}
	entry, record, err := c.readOrganization(ctx, name)
	if err != nil {
		return nil, err
	}
	if entry.Version == 0 {
		return nil, ErrNotFound
	}
	return c.openOrganization(ctx, name, entry, record)
}

// Organizations yields the organizations in byte order of their names. The root
// is not asked: see [OrganizationInfo]. A record that cannot be read is yielded
// with [ErrTampered] and the listing goes on; any other error ends it.
func (c *Client) Organizations(ctx context.Context, opts *ListOptions) iter.Seq2[OrganizationInfo, error] {
	return func(yield func(OrganizationInfo, error) bool) {
		for name, r := range list(ctx, c.store, organizationsPrefix, opts) {
			if r.err != nil {
				yield(OrganizationInfo{}, c.fail("list organizations", "", r.err))
				return
			}
			info := OrganizationInfo{Name: name}
			var record organizationRecord
			err := decode(r.entry.Value, &record)
			if err == nil && record.State != stateLive {
				r.skip()
				continue
			}
			if err == nil {
				info.ID, info.CreatedAt = record.ID.String(), record.Created.time()
			}
			if !yield(info, c.fail("list organizations", name, err)) {
				return
			}
		}
	}
}

// Name returns the organization's name.
func (o *Organization) Name() Name { return o.name }

// readOrganization reads an organization's record without opening it; the
// entry's Version is 0 if there is none.
func (c *Client) readOrganization(ctx context.Context, name Name) (entry storage.Entry, record organizationRecord, err error) {
	entries, err := c.store.Get(ctx, organizationKey(name))
	if err != nil || len(entries) == 0 {
		return entry, record, err
	}
	return entries[0], record, decode(entries[0].Value, &record)
}

// openOrganization returns the handle of a record that was read.
func (c *Client) openOrganization(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) (*Organization, error) {
	if record.State != stateLive {
		return nil, ErrNotFound
	}
	org := &Organization{client: c, name: name, id: record.ID, state: c.stateOf(record.ID)}
	if _, err := org.liveKeyset(ctx, entry); err != nil {
		return nil, err
	}
	return org, nil
}

func (c *Client) stateOf(id crypto.ID) *organizationState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.organizations[id]; ok {
		return s
	}
	evict(c.organizations, maxOrganizations)
	s := &organizationState{gate: make(chan struct{}, 1), keys: make(map[crypto.ID]*crypto.ServiceKey)}
	c.organizations[id] = s
	return s
}

// evict makes room for one more in a cache.
func evict[K comparable, V any](cache map[K]V, limit int) {
	for key := range cache {
		if len(cache) < limit {
			return
		}
		delete(cache, key)
	}
}

// liveKeyset returns the keyset of the organization's record, unless the
// organization is deleted or is about to be.
func (o *Organization) liveKeyset(ctx context.Context, entry storage.Entry) (*crypto.Keyset, error) {
	var record organizationRecord
	if err := decode(entry.Value, &record); err != nil {
		return nil, err
	}
	if record.State != stateLive {
		return nil, ErrNotFound
	}
	return o.keyset(ctx, entry)
}

// keyset returns the keyset of the organization's record. It asks the root only
// if the record is not the one that was opened last.
func (o *Organization) keyset(ctx context.Context, entry storage.Entry) (*crypto.Keyset, error) {
	select {
	case o.state.gate <- struct{}{}:
		defer func() { <-o.state.gate }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := o.state
	if s.keyset != nil && bytes.Equal(s.value, entry.Value) {
		return s.keyset, nil
	}
	var record organizationRecord
	if err := decode(entry.Value, &record); err != nil {
		return nil, err
	}
	if record.ID != o.id || len(record.Keyset) == 0 {
		return nil, ErrNotFound // deleted, and perhaps created again
	}
	keyset, err := crypto.UnwrapKeyset(ctx, o.client.root, record.Keyset, organizationBinding(o.name, record))
	if err != nil {
		return nil, err
	}
	if err := openRecord(keyset, typeOrganization, o.id, entry.Value, &record, o.name); err != nil {
		return nil, err
	}
	s.value, s.keyset = bytes.Clone(entry.Value), keyset
	return keyset, nil
}

func organizationBinding(name Name, record organizationRecord) crypto.OrganizationBinding {
	return crypto.OrganizationBinding{OrganizationID: record.ID, Organization: string(name), Serial: record.Serial}
}

// fail says which call of a Client failed; it leaves out what is not a name.
func (c *Client) fail(op string, name Name, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Organization: valid(name), Err: err}
}

// fail says which call failed, and on what.
func (o *Organization) fail(op string, service, secret Name, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Organization: o.name, Service: valid(service), Secret: valid(secret), Err: err}
}
