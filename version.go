package secrets

import (
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A sealedVersion is one version of a value under a version key of its own.
type sealedVersion struct {
	number     uint64
	keyID      crypto.ID
	key        *crypto.VersionKey
	ciphertext []byte
	digest     crypto.Digest
	wrap       []byte // of the key, for the organization
	plaintext  []byte // of one that was opened
}

// sealVersion encrypts a value under a new key, which is used for nothing else.
func (v *view) sealVersion(secret Name, id crypto.ID, number uint64, plaintext []byte) (*sealedVersion, error) {
	key, err := crypto.NewVersionKey()
	if err != nil {
		return nil, err
	}
	n := &sealedVersion{number: number, keyID: crypto.NewID(), key: key}
	if n.ciphertext, err = key.Encrypt(plaintext, valueBinding(v.org.id, secret, id, number)); err != nil {
		return nil, err
	}
	n.digest = crypto.DigestOf(n.ciphertext)
	n.wrap, err = v.keyset.WrapVersionKey(key, n.binding(v.org.id, secret, id))
	return n, err
}

// unseal opens the current version of a secret by the organization's wrap. The
// caller wipes it.
func (v *view) unseal(s *secretView) (*sealedVersion, error) {
	r := &s.record
	n := &sealedVersion{number: r.Version, keyID: r.KeyID, ciphertext: r.Ciphertext, wrap: r.Wrap}
	return v.unsealVersion(s.name, n, r.ID)
}

// unsealVersion opens a version of which what is stored is known.
func (v *view) unsealVersion(secret Name, n *sealedVersion, id crypto.ID) (_ *sealedVersion, err error) {
	n.digest = crypto.DigestOf(n.ciphertext)
	if n.key, err = v.keyset.UnwrapVersionKey(n.wrap, n.binding(v.org.id, secret, id)); err != nil {
		return nil, err
	}
	n.plaintext, err = n.key.Decrypt(n.ciphertext, valueBinding(v.org.id, secret, id, n.number))
	return n, err
}

// wipe clears the value, which the garbage collector would leave in memory.
func (n *sealedVersion) wipe() { clear(n.plaintext) }

// take returns the value, and wipes it here.
func (n *sealedVersion) take() Value {
	defer n.wipe()
	return Bytes(n.plaintext)
}

func valueBinding(org crypto.ID, secret Name, id crypto.ID, number uint64) crypto.ValueBinding {
	return crypto.ValueBinding{OrganizationID: org, SecretID: id, Secret: string(secret), Version: number}
}

func (n *sealedVersion) binding(org crypto.ID, secret Name, id crypto.ID) crypto.VersionBinding {
	return crypto.VersionBinding{
		OrganizationID: org, SecretID: id, Secret: string(secret), Version: n.number, VersionKeyID: n.keyID, Digest: n.digest,
	}
}

// row returns what writes a grantee's row, with a wrap of each version's key for
// each of the grantee's service keys.
func (v *view) row(s *secretView, id crypto.ID, g grantee, versions ...*sealedVersion) (storage.Put, error) {
	put := storage.Put{Key: rowKey(v.org.name, g.Service, s.name)}
	keys, err := v.granteeKeys(g)
	if err != nil {
		return put, err
	}
	row := rowRecord{SecretID: id, Env: g.Env}
	for _, n := range versions {
		for i, key := range keys {
			wrap, err := key.WrapVersionKey(n.key, crypto.GrantBinding{
				OrganizationID: v.org.id, Organization: string(v.org.name),
				SecretID: id, Secret: string(s.name), Version: n.number, VersionKeyID: n.keyID,
				ServiceID: g.ServiceID, Service: string(g.Service), ServiceKeyID: g.KeyIDs[i], Env: g.Env, Digest: n.digest,
			})
			if err != nil {
				return put, err
			}
			row.Wraps = append(row.Wraps, grantWrap{KeyID: n.keyID, ServiceKeyID: g.KeyIDs[i], Wrap: wrap})
		}
	}
	put.Value = encode(row)
	return put, nil
}

// granteeKeys returns the service keys that an access record names. They must
// still be in the service's record, read at the same instant: a key that was
// replaced gets nothing more, even if a row was hidden while it was.
func (v *view) granteeKeys(g grantee) ([]*crypto.ServiceKey, error) {
	record, err := v.granteeService(g.Service)
	if err != nil || record.ID != g.ServiceID || len(g.KeyIDs) == 0 {
		return nil, ErrTampered
	}
	keys := make([]*crypto.ServiceKey, len(g.KeyIDs))
	for i, id := range g.KeyIDs {
		all := record.keys()
		at := slices.IndexFunc(all, func(k wrappedKey) bool { return k.ID == id })
		if at < 0 {
			return nil, ErrTampered
		}
		if keys[i], err = v.serviceKey(g.Service, record.ID, all[at]); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// standing parts the grantees into those that can be wrapped for and those that
// cannot. A damaged service must not keep a secret from being revoked from another
// one: it loses its grant.
func (v *view) standing(s *secretView, grantees []grantee) (stay, lose []grantee) {
	for _, g := range grantees {
		if _, err := v.granteeKeys(g); err != nil {
			v.org.client.log.Warn("a grant goes with the service that does not open",
				"organization", v.org.name, "service", g.Service, "secret", s.name)
			lose = append(lose, g)
			continue
		}
		stay = append(stay, g)
	}
	return stay, lose
}

// narrowed returns grantees without the keys that their services have replaced
// already: nothing more is put for those, also if the replacement has stopped
// on its way.
func (v *view) narrowed(grantees []grantee) ([]grantee, error) {
	narrowed := slices.Clone(grantees)
	for i, g := range narrowed {
		if len(g.KeyIDs) < 2 {
			continue
		}
		record, err := v.granteeService(g.Service)
		if err != nil {
			return nil, err
		}
		if p := record.Previous; p != nil {
			narrowed[i].KeyIDs = slices.DeleteFunc(slices.Clone(g.KeyIDs), func(id crypto.ID) bool { return id == p.ID })
		}
	}
	return narrowed, nil
}

// keys returns all keys of a service that grants may name.
func (r *serviceRecord) keys() []wrappedKey {
	all := []wrappedKey{r.Current}
	for _, k := range []*wrappedKey{r.Next, r.Previous} {
		if k != nil {
			all = append(all, *k)
		}
	}
	return all
}
