package secrets

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A sealedKind is a kind of record that is under an organization's keyset: its
// tag is, and keys that it holds may be.
type sealedKind struct {
	record recordType
	folder string // under org/{org}/
	parts  int    // of the storage key behind it: names, ids and numbers
	empty  func() sealedRecord
}

// A sealedRecord says which of its fields are keys wrapped for the organization,
// and what each is bound to. names are those of its storage key.
type sealedRecord interface {
	wraps(org crypto.ID, names []Name) []keyWrap
}

type keyWrap struct {
	field   *[]byte
	binding crypto.KeyBinding
}

// sealedKinds are all that there are. A rotation goes by this list: a record
// that is not on it does not open any more afterwards.
//
// The order matters. A rotation ends once it has gone through all kinds and
// found nothing under an old key, so nothing may come under one behind it. No
// writer wraps under an old key, but many carry a wrap over as it is. They may:
// into the record that they have read it from and that their batch checks, or
// from there into one of a later kind.
func sealedKinds() []sealedKind {
	return []sealedKind{
		{typeAccess, "access/", 1, func() sealedRecord { return new(accessRecord) }},
		{typeSecret, "secret/", 1, func() sealedRecord { return new(secretRecord) }},
		{typeSerial, "serial/", 1, func() sealedRecord { return new(serialRecord) }},
		{typeService, "service/", 1, func() sealedRecord { return new(serviceRecord) }},
		{typeToken, "token/", 2, func() sealedRecord { return new(tokenRecord) }},
		{typeVersion, "version/", 2, func() sealedRecord { return new(versionRecord) }},
	}
}

func (r *accessRecord) wraps(crypto.ID, []Name) []keyWrap { return nil }
func (r *serialRecord) wraps(crypto.ID, []Name) []keyWrap { return nil }

func (r *secretRecord) wraps(org crypto.ID, names []Name) []keyWrap {
	if r.State == stateDeleted {
		return nil
	}
	n := sealedVersion{number: r.Version, keyID: r.KeyID, digest: crypto.DigestOf(r.Ciphertext)}
	return []keyWrap{{&r.Wrap, n.binding(org, names[0], r.ID)}}
}

func (r *serviceRecord) wraps(org crypto.ID, names []Name) []keyWrap {
	var wraps []keyWrap
	for _, k := range []*wrappedKey{&r.Current, r.Next, r.Previous} {
		if k != nil {
			wraps = append(wraps, keyWrap{&k.Wrap, serviceKeyBinding(org, names[0], r.ID, *k)})
		}
	}
	return wraps
}

func (r *tokenRecord) wraps(org crypto.ID, names []Name) []keyWrap {
	id, _ := crypto.ParseID(string(names[1])) // another text than the engine writes is bound to nothing
	return []keyWrap{{&r.TokenKey, crypto.TokenKeyBinding{
		OrganizationID: org, ServiceID: r.ServiceID, Service: string(names[0]), TokenID: id,
	}}}
}

func (r *versionRecord) wraps(org crypto.ID, names []Name) []keyWrap {
	number, _ := strconv.ParseUint(string(names[1]), 16, 64)
	n := r.sealed(number)
	n.digest = crypto.DigestOf(n.ciphertext)
	return []keyWrap{{&r.Wrap, n.binding(org, names[0], r.SecretID)}}
}

// A sealedEntry is a record as it was listed or read, and not verified yet.
type sealedEntry struct {
	storage.Entry
	kind  sealedKind
	names []Name
}

// sealedPage is as many records as fit a batch, beside the organization's.
const sealedPage = storage.MaxChecks - 1

// sealed yields the organization's sealed records, a page at a time. It goes
// past keys that the engine does not write: nobody reads what is there.
func (o *Organization) sealed(ctx context.Context) iter.Seq2[[]sealedEntry, error] {
	return func(yield func([]sealedEntry, error) bool) {
		for _, kind := range sealedKinds() {
			prefix, after := organizationPrefix(o.name)+kind.folder, ""
			for more := true; more; {
				page, err := o.client.store.List(ctx, prefix, after, sealedPage)
				if err != nil {
					yield(nil, err)
					return
				}
				if more = len(page) == sealedPage; more {
					after = page[len(page)-1].Key
				}
				if entries := kind.entries(prefix, page); len(entries) > 0 && !yield(entries, nil) {
					return
				}
			}
		}
	}
}

func (k sealedKind) entries(prefix string, page []storage.Entry) []sealedEntry {
	entries := make([]sealedEntry, 0, len(page))
	for _, e := range page {
		if names, ok := k.names(strings.TrimPrefix(e.Key, prefix)); ok {
			entries = append(entries, sealedEntry{e, k, names})
		}
	}
	return entries
}

// names returns the names in a storage key, behind its folder.
func (k sealedKind) names(rest string) ([]Name, bool) {
	names := make([]Name, 0, k.parts)
	for part := range strings.SplitSeq(rest, "/") {
		if len(names) == k.parts || Name(part).check() != nil {
			return nil, false
		}
		names = append(names, Name(part))
	}
	return names, len(names) == k.parts
}

// needs returns the keys that a record says it was made under: its tag and the
// wraps in it. It gives ErrTampered if that cannot be said.
func (e *sealedEntry) needs(org crypto.ID) ([]crypto.KeyID, error) {
	tag, body, err := unframe(e.Value)
	if err != nil {
		return nil, err
	}
	record := e.kind.empty()
	if err := decodeBody(body, record); err != nil {
		return nil, err
	}
	sealed := [][]byte{tag}
	for _, w := range record.wraps(org, e.names) {
		sealed = append(sealed, *w.field)
	}
	ids := make([]crypto.KeyID, len(sealed))
	for i := range sealed {
		id, ok := crypto.NamedKey(sealed[i])
		if !ok {
			return nil, ErrTampered
		}
		ids[i] = id
	}
	return ids, nil
}

// isUnder reports whether a record says that it needs no other key.
func (e *sealedEntry) isUnder(org crypto.ID, key crypto.KeyID) bool {
	ids, err := e.needs(org)
	return err == nil && !slices.ContainsFunc(ids, func(id crypto.KeyID) bool { return id != key })
}

// resealed returns a record with the same content under the primary key: each
// wrap in it wrapped anew, and another tag. It gives ErrTampered if any of that
// does not open.
func (v *view) resealed(e sealedEntry) ([]byte, error) {
	record := e.kind.empty()
	names := append([]Name{v.org.name}, e.names...)
	if err := openRecord(v.keyset, e.kind.record, v.org.id, e.Value, record, names...); err != nil {
		return nil, err
	}
	for _, w := range record.wraps(v.org.id, e.names) {
		wrap, err := v.keyset.Rewrap(*w.field, w.binding)
		if err != nil {
			return nil, err
		}
		*w.field = wrap
	}
	return sealRecord(v.keyset, e.kind.record, v.org.id, record, names...)
}

// readSealed reads records that were listed as they are now, with the
// organization's. Those that are gone are left out.
func (o *Organization) readSealed(ctx context.Context, listed []sealedEntry) (*view, []sealedEntry, error) {
	keys := make([]string, len(listed))
	for i, e := range listed {
		keys[i] = e.Key
	}
	v, err := o.read(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	now := make([]sealedEntry, 0, len(listed))
	for _, e := range listed {
		if entry, ok := v.entries[e.Key]; ok {
			now = append(now, sealedEntry{entry, e.kind, e.names})
		}
	}
	return v, now, nil
}
