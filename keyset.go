package secrets

import (
	"bytes"
	"context"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// liveKeyset returns the keyset of the organization's record, and the record,
// unless the organization is deleted or is about to be.
func (o *Organization) liveKeyset(ctx context.Context, entry storage.Entry) (keyset *crypto.Keyset, record organizationRecord, err error) {
	if err := decode(entry.Value, &record); err != nil {
		return nil, record, err
	}
	if record.State != stateLive {
		return nil, record, errNoOrganization
	}
	keyset, err = o.keyset(ctx, entry)
	return keyset, record, err
}

// keyset returns the keyset of the organization's record. It asks the root only
// if the record is not the one that was opened last, and otherwise does not wait
// for who asks it.
func (o *Organization) keyset(ctx context.Context, entry storage.Entry) (*crypto.Keyset, error) {
	if keyset := o.state.opened(entry); keyset != nil {
		return keyset, nil
	}
	select {
	case o.state.gate <- struct{}{}:
		defer func() { <-o.state.gate }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if keyset := o.state.opened(entry); keyset != nil { // meanwhile
		return keyset, nil
	}
	var record organizationRecord
	if err := decode(entry.Value, &record); err != nil {
		return nil, err
	}
	if record.ID != o.id || !o.state.mayBe(record.State) {
		return nil, errNoOrganization // deleted, and perhaps created again
	}
	keyset, _, err := openKeyset(ctx, o.client.currentRoot(), o.name, entry)
	if err != nil {
		return nil, err
	}
	if !o.state.keep(entry, keyset, record.State) {
		return nil, errNoOrganization // deleted meanwhile
	}
	return keyset, nil
}

// opened returns the keyset of the organization's record, if that was opened last.
func (s *organizationState) opened(entry storage.Entry) *crypto.Keyset {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.entry.Value, entry.Value) {
		return nil
	}
	s.entry.Version, s.read = entry.Version, time.Now()
	return s.keyset
}

// lately is for how long a record is taken to be as it was read.
const lately = 10 * time.Second

// last returns the organization's record as it was read last and its keyset; the
// record has no Version if that was not lately.
func (s *organizationState) last() (storage.Entry, *crypto.Keyset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.read) > lately {
		return storage.Entry{}, nil
	}
	return s.entry, s.keyset
}

// mayBe reports whether the organization may be in a state: one that this process
// has deleted may be in no other.
func (s *organizationState) mayBe(in state) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dead || in == stateDeleted
}

// keep keeps an open keyset, if the organization may be in that state.
func (s *organizationState) keep(entry storage.Entry, keyset *crypto.Keyset, in state) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead && in != stateDeleted {
		return false
	}
	s.set(storage.Entry{Key: entry.Key, Value: bytes.Clone(entry.Value), Version: entry.Version}, keyset)
	s.read = time.Now()
	return true
}

// set is called with the mutex held. What the keyset before it has opened goes with
// it.
func (s *organizationState) set(entry storage.Entry, keyset *crypto.Keyset) {
	s.entry, s.keyset = entry, keyset
	clear(s.services)
}

// openKeyset asks a root to open an organization's record, which that
// authenticates.
func openKeyset(ctx context.Context, root crypto.Root, name Name, entry storage.Entry) (*crypto.Keyset, organizationRecord, error) {
	var record organizationRecord
	if err := decode(entry.Value, &record); err != nil {
		return nil, record, err
	}
	keyset, err := crypto.UnwrapKeyset(ctx, root, record.Keyset, organizationBinding(name, record))
	if err != nil {
		return nil, record, err
	}
	return keyset, record, openRecord(keyset, typeOrganization, record.ID, entry.Value, &record, name)
}

// putKeyset puts a keyset, wrapped by root, into the organization's record, if
// that is as it was read. What root does not open again is not stored: it could
// be the only copy.
func (o *Organization) putKeyset(ctx context.Context, root crypto.Root, entry storage.Entry, record organizationRecord, keyset *crypto.Keyset) error {
	record.Serial++
	var err error
	if record.Keyset, err = keyset.Wrap(ctx, root, organizationBinding(o.name, record)); err != nil {
		return err
	}
	value, err := sealRecord(keyset, typeOrganization, record.ID, record, o.name)
	if err != nil {
		return err
	}
	opened, _, err := openKeyset(ctx, root, o.name, storage.Entry{Key: entry.Key, Value: value})
	if err != nil {
		return err
	}
	if err := o.replace(ctx, entry, value); err != nil {
		return err
	}
	_ = o.state.floors.raise(entry.Key, 0, floor{record.Serial}) // somebody may have written more since
	o.state.hold(storage.Entry{Key: entry.Key, Value: value}, opened)
	return nil
}

// replace replaces the organization's record, if it is as it was read.
func (o *Organization) replace(ctx context.Context, entry storage.Entry, value []byte) error {
	_, err := commit(ctx, o.client.store, storage.Batch{
		Checks: []storage.Check{{Key: entry.Key, Version: entry.Version}},
		Puts:   []storage.Put{{Key: entry.Key, Value: value}},
	})
	return err
}

// hold keeps an open keyset, unless the root is being asked for one: then it is
// asked once more.
func (s *organizationState) hold(entry storage.Entry, keyset *crypto.Keyset) {
	select {
	case s.gate <- struct{}{}:
		defer func() { <-s.gate }()
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead {
		s.set(entry, keyset)
	}
}

func organizationBinding(name Name, record organizationRecord) crypto.OrganizationBinding {
	return crypto.OrganizationBinding{OrganizationID: record.ID, Organization: string(name), Serial: record.Serial}
}
