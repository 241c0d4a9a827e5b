package secrets

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

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
	mu     sync.Mutex    // never held while it is asked
	entry  storage.Entry // the organization's record, as opened last; no Version if it was not read since it was written
	keyset *crypto.Keyset
	read   time.Time // when the record was read last
	dead   bool      // deleted by this process

	services map[Name]openedService           // as opened last
	keys     map[crypto.ID]*crypto.ServiceKey // an id always means the same key
	floors   floors
	likely   likely
}

// The most organizations a Client keeps open, and services and service keys it keeps of one.
// Beyond that it forgets some, and asks again when it needs them.
const (
	maxOrganizations = 1024
	maxServices      = 4096
	maxServiceKeys   = 8192
)

// CreateOrganization creates an organization with a keyset of its own, wrapped
// by the root. If the name is taken it gives [ErrExists]. A mistyped key file
// makes a new key: so if the store has organizations, the root must open one of
// the first of them, or it gives [ErrWrongRoot]. It finishes a deletion that was
// interrupted.
func (c *Client) CreateOrganization(ctx context.Context, name Name) (*Organization, error) {
	org, err := c.createOrganization(ctx, name)
	return org, c.fail("create organization", name, err)
}

func (c *Client) createOrganization(ctx context.Context, name Name) (*Organization, error) {
	if err := name.checkAs("organization"); err != nil {
		return nil, err
	}
	id, known := crypto.NewID(), false
	var org *Organization
	err := retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		switch {
		case err != nil:
			return err
		case entry.Version == 0 && !known:
			known = true
			return cmp.Or(c.tryRoot(ctx), error(errAgain))
		case entry.Version == 0:
			org, err = c.putOrganization(ctx, name, id)
			return err
		}
		if org, err = c.handle(ctx, name, entry, record); err != nil {
			return err
		}
		switch {
		case record.State != stateLive:
			err := org.finishDeletion(ctx, entry, record, false)
			if err == nil || errors.Is(err, ErrInUse) { // then it is back
				return errAgain
			}
			return err
		case org.id != id:
			return ErrExists
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return org, nil
}

// tried is how many organizations are tried with the root before one is created.
const tried = 3

// tryRoot returns ErrWrongRoot if there are organizations and the root opens none
// of those that are tried.
func (c *Client) tryRoot(ctx context.Context) error {
	n := 0
	var failed error
	for name, r := range list(ctx, c.store, organizationsPrefix, nil) {
		if r.err != nil {
			return r.err
		}
		var record organizationRecord
		if name == "" || decode(r.entry.Value, &record) != nil || record.State != stateLive {
			continue
		}
		if n++; n > tried {
			break
		}
		_, err := c.openOrganization(ctx, name, r.entry, record)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrWrongRoot), errors.Is(err, ErrTampered):
			failed = cmp.Or(failed, inOrganization(name, ErrWrongRoot))
		default:
			return err
		}
	}
	return failed
}

func (c *Client) putOrganization(ctx context.Context, name Name, id crypto.ID) (*Organization, error) {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return nil, err
	}
	ref := organizationRef{name, id}
	org := &Organization{client: c, name: name, id: id, state: c.stateOf(ref)}
	record := organizationRecord{ID: id, Created: instantOf(c.now())}
	if err := org.putKeyset(ctx, c.currentRoot(), storage.Entry{Key: organizationKey(name)}, record, keyset); err != nil {
		return nil, err
	}
	org.state = c.keep(ref, org.state)
	return org, nil
}

// Organization opens an organization. It gives [ErrNotFound], or [ErrWrongRoot]
// if the root does not open it.
func (c *Client) Organization(ctx context.Context, name Name) (*Organization, error) {
	org, err := c.organization(ctx, name)
	return org, c.fail("open organization", name, err)
}

func (c *Client) organization(ctx context.Context, name Name) (*Organization, error) {
	if err := name.checkAs("organization"); err != nil {
		return nil, err
	}
	entry, record, err := c.readOrganization(ctx, name)
	if err != nil {
		return nil, err
	}
	if entry.Version == 0 {
		return nil, errNoOrganization
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
			if name == "" {
				err = ErrTampered
			}
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
		return nil, errNoOrganization
	}
	return c.handle(ctx, name, entry, record)
}

// handle returns the handle of a record that the root opens, in whatever state
// the organization is.
func (c *Client) handle(ctx context.Context, name Name, entry storage.Entry, record organizationRecord) (*Organization, error) {
	ref := organizationRef{name, record.ID}
	org := &Organization{client: c, name: name, id: record.ID, state: c.stateOf(ref)}
	if _, err := org.keyset(ctx, entry); err != nil {
		return nil, err
	}
	org.state = c.keep(ref, org.state)
	return org, nil
}

// An organizationRef is what an open keyset belongs to: also the name, since
// the record could be a copy under another one.
type organizationRef struct {
	name Name
	id   crypto.ID
}

// stateOf returns what is kept of an organization, or a state to begin with.
func (c *Client) stateOf(ref organizationRef) *organizationState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.organizations[ref]; ok {
		return s
	}
	return &organizationState{
		gate: make(chan struct{}, 1), services: make(map[Name]openedService), keys: make(map[crypto.ID]*crypto.ServiceKey),
	}
}

// keep keeps a state, once the root has opened the organization: ids that
// somebody makes up push nothing out. It returns the one that was kept first.
func (c *Client) keep(ref organizationRef, s *organizationState) *organizationState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.organizations[ref]; ok {
		return first
	}
	evict(c.organizations, maxOrganizations)
	c.organizations[ref] = s
	return s
}

// bury drops what is known of an organization that was deleted, but for that: who
// puts its records back does not bring it back here.
func (s *organizationState) bury() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	s.set(storage.Entry{}, nil)
	clear(s.keys)
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
	return Error{Op: op, Organization: o.name, Service: valid(service), Secret: valid(secret), Err: err}.located()
}
