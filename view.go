package secrets

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A view is what an operation read at one instant: the organization's record,
// with its keyset open, and the records it asked for. What it hands out has
// been authenticated, and agrees with what was seen before.
type view struct {
	org     *Organization
	keyset  *crypto.Keyset
	entries map[string]storage.Entry
	since   uint64 // see floors
	writes  []rise // of what a commit of this view writes
}

// read reads the organization's record and those under keys at one instant. The
// organization's is among them in every operation, at no further call: so a
// rotation or deletion by another process is seen at once.
func (o *Organization) read(ctx context.Context, keys ...string) (*view, error) {
	since := o.state.floors.now()
	key := organizationKey(o.name)
	entries, err := getMap(ctx, o.client.store, append([]string{key}, keys...)...)
	if err != nil {
		return nil, err
	}
	return o.view(ctx, since, entries)
}

// view makes a view of entries that were read at one instant, after since.
func (o *Organization) view(ctx context.Context, since uint64, entries map[string]storage.Entry) (*view, error) {
	entry, ok := entries[organizationKey(o.name)]
	if !ok {
		return nil, errNoOrganization
	}
	keyset, record, err := o.liveKeyset(ctx, entry)
	v := &view{org: o, keyset: keyset, entries: entries, since: since}
	if err == nil {
		err = v.remember(entry.Key, &record) // a keyset that was replaced stays so
	}
	return v, err
}

// check returns the condition that the record under key is as it was read,
// absent if it was absent.
func (v *view) check(key string) storage.Check {
	return storage.Check{Key: key, Version: v.entries[key].Version}
}

// batch returns a batch that holds if the organization and the records under
// keys are as they were read.
func (v *view) batch(keys ...string) storage.Batch {
	b := storage.Batch{Checks: []storage.Check{v.check(organizationKey(v.org.name))}}
	for _, key := range keys {
		b.Checks = append(b.Checks, v.check(key))
	}
	return b
}

// merge adds a batch of the same view to b. Both check the organization first.
func merge(b *storage.Batch, one storage.Batch) {
	b.Checks = append(b.Checks, one.Checks[1:]...)
	b.Puts = append(b.Puts, one.Puts...)
	b.Deletes = append(b.Deletes, one.Deletes...)
}

// commit commits b, and remembers what it wrote as if it had been read.
func (v *view) commit(ctx context.Context, b storage.Batch) error {
	_, err := v.commitVersion(ctx, b)
	return err
}

// commitVersion is commit, and returns the version of what was written, if the
// store says.
func (v *view) commitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	version, err := commit(ctx, v.org.client.store, b)
	if err != nil {
		return 0, err
	}
	for _, w := range v.writes {
		_ = v.org.state.floors.raise(w.key, v.since, w.floor) // somebody may have written more since
	}
	return version, nil
}

// A dated record carries counters that only grow: it says under which key they
// are remembered, and what they are.
type dated interface {
	floor(key string) (string, floor)
}

func (r *organizationRecord) floor(key string) (string, floor) { return key, floor{r.Serial} }

func (r *secretRecord) floor(key string) (string, floor) { return key, floor{r.Version, r.Serial} }

func (r *serviceRecord) floor(key string) (string, floor) { return key, floor{r.Serial} }

// remember remembers a record that was read and opened. It returns ErrTampered
// if a newer one had been seen before.
func (v *view) remember(key string, r dated) error {
	key, f := r.floor(key)
	return v.org.state.floors.raise(key, v.since, f)
}

// will notes a record that is to be remembered once it is committed.
func (v *view) will(key string, r dated) {
	key, f := r.floor(key)
	v.writes = append(v.writes, rise{key, f})
}

// A rise is how far a record comes by a commit.
type rise struct {
	key   string
	floor floor
}

// decode opens a tagged record; found is false if there is none.
func (v *view) decode(key string, t recordType, record any, names ...Name) (found bool, err error) {
	e, ok := v.entries[key]
	if !ok {
		return false, nil
	}
	return true, openRecord(v.keyset, t, v.org.id, e.Value, record, slices.Concat([]Name{v.org.name}, names)...)
}

// encode seals a tagged record.
func (v *view) encode(t recordType, record any, names ...Name) ([]byte, error) {
	return sealRecord(v.keyset, t, v.org.id, record, slices.Concat([]Name{v.org.name}, names)...)
}

func sealRecord(keyset *crypto.Keyset, t recordType, org crypto.ID, record any, names ...Name) ([]byte, error) {
	body := encodeBody(record)
	tag, err := keyset.Tag(tagBinding(t, org, body, names))
	if err != nil {
		return nil, err
	}
	return frame(tag, body), nil
}

// openRecord verifies the tag before it parses what the tag is over.
func openRecord(keyset *crypto.Keyset, t recordType, org crypto.ID, data []byte, record any, names ...Name) error {
	if len(data) > storage.MaxEntry {
		return ErrTampered
	}
	tag, body, err := unframe(data)
	if err != nil {
		return err
	}
	if err := keyset.VerifyTag(tag, tagBinding(t, org, body, names)); err != nil {
		return err
	}
	return decodeBody(body, record)
}

func tagBinding(t recordType, org crypto.ID, body []byte, names []Name) crypto.TagBinding {
	b := crypto.TagBinding{Record: uint8(t), Organization: org, Body: body}
	for _, name := range names {
		b.Names = append(b.Names, string(name))
	}
	return b
}

// errGone is about a record that was deleted while it was listed.
var errGone = errors.New("deleted while it was listed")

// decodeListed opens a record of a listing that began after the view was read.
// If it does not open, the keyset may have been rotated since: the record is
// read again, with the organization's.
func (v *view) decodeListed(ctx context.Context, e storage.Entry, t recordType, name Name, record dated) error {
	if name == "" {
		return ErrTampered
	}
	v.entries[e.Key] = e
	defer delete(v.entries, e.Key)
	if _, err := v.decode(e.Key, t, record, name); err == nil {
		return v.remember(e.Key, record)
	}
	now, err := v.org.read(ctx, e.Key)
	if err != nil {
		return err
	}
	found, err := now.decode(e.Key, t, record, name)
	if err != nil {
		return err
	}
	if !found {
		return errGone
	}
	return now.remember(e.Key, record)
}

// A secretView is a secret as a view has it: its record, and who has access.
type secretView struct {
	name     Name
	record   secretRecord // zero if there is none
	access   accessRecord // zero if there is none
	salvaged bool         // put together from what opens
	nameless bool         // and its id is made up
}

func (s *secretView) exists() bool    { return !s.record.ID.IsZero() }
func (s *secretView) live() bool      { return s.exists() && s.record.State == stateLive }
func (s *secretView) tombstone() bool { return s.exists() && s.record.State == stateDeleted }

// unfinished reports whether the secret is deleted but its grants are not all
// cleaned up.
func (s *secretView) unfinished() bool { return s.tombstone() && !s.access.SecretID.IsZero() }

func (s *secretView) grantee(service Name) (int, bool) {
	return slices.BinarySearchFunc(s.access.Grantees, service, func(g grantee, name Name) int {
		return compareNames(g.Service, name)
	})
}

// secret returns a secret whose secret and access record were both asked for.
// The two carry one serial, which every operation raises: restoring either of
// them alone is noticed.
func (v *view) secret(name Name) (*secretView, error) {
	s := &secretView{name: name}
	key := secretKey(v.org.name, name)
	found, err := v.decode(key, typeSecret, &s.record, name)
	if err != nil {
		return nil, err
	}
	if !found { // then an access record means nothing
		return s, v.org.state.floors.absent(key, v.since)
	}
	if _, err := v.decode(accessKey(v.org.name, name), typeAccess, &s.access, name); err != nil {
		return nil, err
	}
	if !s.agrees() {
		return nil, ErrTampered
	}
	return s, v.remember(key, &s.record)
}

func (s *secretView) agrees() bool {
	if s.live() {
		return s.access.SecretID == s.record.ID && s.access.Serial == s.record.Serial
	}
	return s.tombstone() && (s.access.SecretID.IsZero() || s.access.SecretID == s.record.ID && s.access.Serial < s.record.Serial)
}

// service returns the record of a service whose keys (see serviceKeys) were all
// asked for; errNoService if there is none. The serial is kept beside it:
// restoring either of the two alone is noticed, and so is the record of a
// service that was deleted.
func (v *view) service(name Name) (serviceRecord, error) {
	var record serviceRecord
	var serial serialRecord
	key := serviceKey(v.org.name, name)
	found, err := v.decode(key, typeService, &record, name)
	if err != nil {
		return record, err
	}
	known, err := v.decode(serialKey(v.org.name, name), typeSerial, &serial, name)
	switch {
	case err != nil:
		return record, err
	case !found && !known:
		if err := v.org.state.floors.absent(key, v.since); err != nil {
			return record, err
		}
		return record, errNoService
	case !found && serial.State == stateDeleted:
		record = serviceRecord{ID: serial.ServiceID, Serial: serial.Serial, State: stateDeleted}
		if err := v.remember(key, &record); err != nil {
			return record, err
		}
		return record, errNoService
	case !found || !known || serial != serialRecord{ServiceID: record.ID, Serial: record.Serial}:
		return record, ErrTampered
	}
	return record, v.remember(key, &record)
}

// granteeService is service for one that an access record names, and so has to be
// there. What was opened last is not opened again.
func (v *view) granteeService(name Name) (serviceRecord, error) {
	s, key := v.org.state, serviceKey(v.org.name, name)
	now := openedService{keyset: v.keyset, value: v.entries[key].Value, serial: v.entries[serialKey(v.org.name, name)].Value}
	s.mu.Lock()
	last := s.services[name]
	s.mu.Unlock()
	if last.same(now) {
		return last.record, v.remember(key, &last.record)
	}
	var err error
	if now.record, err = v.service(name); err != nil {
		return now.record, ErrTampered
	}
	s.keepService(name, now)
	return now.record, nil
}

// An openedService is a service's record, and its serial, as a keyset opened them.
// Nobody changes it.
type openedService struct {
	keyset        *crypto.Keyset
	value, serial []byte
	record        serviceRecord
}

func (o openedService) same(as openedService) bool {
	return o.keyset == as.keyset && bytes.Equal(o.value, as.value) && bytes.Equal(o.serial, as.serial)
}

// keepService keeps what a keyset has opened, unless that was replaced meanwhile.
func (s *organizationState) keepService(name Name, o openedService) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keyset != o.keyset {
		return
	}
	o.value, o.serial = bytes.Clone(o.value), bytes.Clone(o.serial)
	evict(s.services, maxServices)
	s.services[name] = o
}

// serviceKey returns a service's key from its record, unwrapping it at most
// once.
func (v *view) serviceKey(service Name, id crypto.ID, key wrappedKey) (*crypto.ServiceKey, error) {
	s := v.org.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.keys[key.ID]; ok {
		return k, nil
	}
	k, err := v.keyset.UnwrapServiceKey(key.Wrap, serviceKeyBinding(v.org.id, service, id, key))
	if err != nil || s.dead {
		return k, err
	}
	evict(s.keys, maxServiceKeys)
	s.keys[key.ID] = k
	return k, nil
}

func serviceKeyBinding(org crypto.ID, service Name, id crypto.ID, key wrappedKey) crypto.ServiceKeyBinding {
	return crypto.ServiceKeyBinding{
		OrganizationID: org, ServiceID: id, Service: string(service), KeyID: key.ID, KeySerial: key.Serial,
	}
}
