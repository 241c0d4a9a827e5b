package secrets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// How many versions of a secret are kept, the current one among them: unless
// [Options] say otherwise, and at most. All that are kept fit a batch, so that a
// deletion takes them at once.
const (
	defaultVersions = 10
	maxVersions     = 64
)

// A SecretVersion is what may be known of one version of a secret without its
// value.
type SecretVersion struct {
	Version   uint64
	CreatedAt time.Time // when the value was set
	Current   bool      // what services see
}

// Versions returns the versions of a secret that are kept, the newest first:
// the current one, and those before it as far as [Options].Versions says. It
// gives [ErrNotFound]. Services only ever see the current version.
func (o *Organization) Versions(ctx context.Context, name Name) ([]SecretVersion, error) {
	versions, err := o.versions(ctx, name)
	return versions, o.fail("list versions", "", name, err)
}

func (o *Organization) versions(ctx context.Context, name Name) (versions []SecretVersion, err error) {
	err = retry(ctx, func() error {
		v, s, err := o.readHistory(ctx, name)
		if err != nil {
			return err
		}
		versions = []SecretVersion{{Version: s.record.Version, CreatedAt: s.record.Updated.time(), Current: true}}
		for _, number := range slices.Backward(s.record.history()) {
			record, err := v.version(s, number)
			if err != nil {
				return err
			}
			versions = append(versions, SecretVersion{Version: number, CreatedAt: record.Created.time()})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

// RevealVersion returns the value that a secret has, or had, in a version. It
// gives [ErrNotFound] also if that version is not kept any more.
func (o *Organization) RevealVersion(ctx context.Context, name Name, version uint64) (Value, error) {
	if err := name.checkAs("secret"); err != nil { // before a key is made of it
		return Value{}, o.fail("reveal version", "", name, err)
	}
	v, s, err := o.readLive(ctx, name, versionKey(o.name, name, version))
	if err != nil {
		return Value{}, o.fail("reveal version", "", name, err)
	}
	opened, err := v.open(s, version)
	if err != nil {
		return Value{}, o.fail("reveal version", "", name, err)
	}
	return opened.take(), nil
}

// RollbackSecret gives a secret the value that it had in an older version, as a
// new version; if it is the current one, nothing changes. It gives the errors of
// [Organization.UpdateSecret], and [ErrNotFound] also if that version is not kept
// any more.
func (o *Organization) RollbackSecret(ctx context.Context, name Name, version uint64, opts *UpdateOptions) (Secret, error) {
	if err := name.checkAs("secret"); err != nil { // before a key is made of it
		return Secret{}, o.fail("roll back secret", "", name, err)
	}
	decide := func(v *view, s *secretView) (Value, bool, error) {
		if err := s.checkUpdate(opts); err != nil {
			return Value{}, false, err
		}
		opened, err := v.open(s, version)
		if err != nil {
			return Value{}, false, err
		}
		return opened.take(), version == s.record.Version, nil
	}
	s, err := o.writer(name).put(ctx, decide, versionKey(o.name, name, version))
	return s, o.fail("roll back secret", "", name, err)
}

// readHistory reads a secret that exists, and the versions that it keeps.
func (o *Organization) readHistory(ctx context.Context, name Name) (*view, *secretView, error) {
	_, s, err := o.readLive(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	v, again, err := o.readLive(ctx, name, o.historyKeys(s)...)
	if err == nil && (again.record.ID != s.record.ID || !slices.Equal(again.record.history(), s.record.history())) {
		err = errAgain
	}
	return v, again, err
}

// history returns the numbers of the versions before the current one that are
// kept. They are without a gap, so that one that somebody has removed is missed.
func (r *secretRecord) history() (numbers []uint64) {
	if r.Oldest == 0 {
		return nil
	}
	for n := r.Oldest; n < r.Version; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// historyKeys returns the keys of the older versions of a secret.
func (o *Organization) historyKeys(s *secretView) []string {
	return o.versionKeys(s.name, s.record.history())
}

func (o *Organization) versionKeys(secret Name, numbers []uint64) []string {
	keys := make([]string, len(numbers))
	for i, n := range numbers {
		keys[i] = versionKey(o.name, secret, n)
	}
	return keys
}

// open opens a version of a secret, whose record was asked for.
func (v *view) open(s *secretView, number uint64) (*sealedVersion, error) {
	if number == s.record.Version {
		return v.unseal(s)
	}
	if !slices.Contains(s.record.history(), number) {
		return nil, fmt.Errorf("version %d %w", number, ErrNotFound)
	}
	record, err := v.version(s, number)
	if err != nil {
		return nil, err
	}
	return v.unsealVersion(s.name, record.sealed(number), record.SecretID)
}

// version returns the record of an older version, which the secret says is kept.
func (v *view) version(s *secretView, number uint64) (versionRecord, error) {
	var record versionRecord
	found, err := v.decode(versionKey(v.org.name, s.name, number), typeVersion, &record, s.name, Name(versionName(number)))
	if err == nil && (!found || record.SecretID != s.record.ID) {
		err = ErrTampered
	}
	if err != nil {
		return record, fmt.Errorf("version %d: %w", number, err)
	}
	return record, nil
}

func (r *versionRecord) sealed(number uint64) *sealedVersion {
	return &sealedVersion{number: number, keyID: r.KeyID, ciphertext: r.Ciphertext, wrap: r.Wrap}
}

// archive adds to a rewrite that sets a new version what becomes of the current
// one, and of those before it.
func (v *view) archive(s *secretView, r *rewrite) error {
	older, keep := s.record.history(), v.org.client.versions-2 // beside the new version and the current one
	gone := max(0, len(older)-max(0, keep))
	r.deletes = append(r.deletes, v.org.versionKeys(s.name, older[:gone])...)
	if keep < 0 {
		r.record.Oldest = 0
		return nil
	}
	r.record.Oldest = append(older, s.record.Version)[gone]
	put, err := v.archived(s)
	r.puts = append(r.puts, put)
	return err
}

// archived returns what keeps the current version beside the secret. Its value is
// encrypted anew: else a service that has kept its row could open what is stored
// now, after it was revoked.
func (v *view) archived(s *secretView) (storage.Put, error) {
	put := storage.Put{Key: versionKey(v.org.name, s.name, s.record.Version)}
	current, err := v.unseal(s)
	if err != nil {
		return put, err
	}
	defer current.wipe()
	old, err := v.sealVersion(s.name, s.record.ID, s.record.Version, current.plaintext)
	if err != nil {
		return put, err
	}
	put.Value, err = v.encode(typeVersion, versionRecord{
		SecretID: s.record.ID, KeyID: old.keyID, Ciphertext: old.ciphertext, Wrap: old.wrap, Created: s.record.Updated,
	}, s.name, Name(versionName(s.record.Version)))
	return put, err
}
