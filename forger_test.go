package secrets_test

import (
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A thief has the text of a token and writes to the database. The rest is known
// to everybody: the package crypto, and the records, which are written down
// here once more. He opens what the token opens, and forges what it lets him.
type thief struct {
	org, service secrets.Name
	id           crypto.ID // of the token
	token        *crypto.TokenKey
	record       stolenToken
	key          *crypto.ServiceKey
}

type stolenToken struct {
	Organization crypto.ID `cbor:"1,keyasint"`
	Service      crypto.ID `cbor:"2,keyasint"`
	KeyID        crypto.ID `cbor:"3,keyasint"`
	KeySerial    uint64    `cbor:"4,keyasint"`
	Wrap         []byte    `cbor:"5,keyasint"`
	TokenKey     []byte    `cbor:"6,keyasint"`
	Created      int64     `cbor:"7,keyasint"`
	Expires      uint64    `cbor:"8,keyasint,omitempty"`
}

type forgedSecret struct {
	ID         crypto.ID   `cbor:"1,keyasint"`
	Version    uint64      `cbor:"2,keyasint"`
	Serial     uint64      `cbor:"3,keyasint"`
	State      uint8       `cbor:"4,keyasint,omitempty"`
	KeyID      crypto.ID   `cbor:"5,keyasint,omitzero"`
	Recent     []crypto.ID `cbor:"6,keyasint,omitempty"`
	Claim      crypto.ID   `cbor:"7,keyasint,omitzero"`
	Ciphertext []byte      `cbor:"8,keyasint,omitempty"`
	Wrap       []byte      `cbor:"9,keyasint,omitempty"`
	Created    int64       `cbor:"10,keyasint"`
	Updated    int64       `cbor:"11,keyasint"`
}

type forgedRow struct {
	SecretID crypto.ID    `cbor:"1,keyasint"`
	Env      string       `cbor:"2,keyasint"`
	Wraps    []forgedWrap `cbor:"3,keyasint"`
}

type forgedWrap struct {
	_            struct{} `cbor:",toarray"`
	KeyID        crypto.ID
	ServiceKeyID crypto.ID
	Wrap         []byte
}

// untagged is a record as whoever has no organization's keyset can make it.
func untagged(t testing.TB, record any) []byte {
	t.Helper()
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	body, err := mode.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{1, 0}, body...)
}

// parse reads the record under key; its tag is nothing to a thief.
func parse[T any](t testing.TB, store storage.Store, key string) (record T) {
	t.Helper()
	return unpack[T](t, stored(t, store, key).Value)
}

func unpack[T any](t testing.TB, data []byte) (record T) {
	t.Helper()
	if err := cbor.Unmarshal(data[2+int(data[1]):], &record); err != nil {
		t.Fatal(err)
	}
	return record
}

// steal opens the service key with a token, which must be live.
func steal(t testing.TB, store storage.Store, token secrets.Token) *thief {
	t.Helper()
	fields := tokenFields(token.Reveal())
	name := func() (name secrets.Name) {
		n := 1 + int(fields[0])
		name, fields = secrets.Name(fields[1:n]), fields[n:]
		return name
	}
	th := &thief{org: name(), service: name()}
	th.id = crypto.ID([]byte(fields[:16]))
	var err error
	if th.token, err = crypto.TokenKeyFromBytes([]byte(fields[16+8:])); err != nil {
		t.Fatal(err)
	}
	th.record = parse[stolenToken](t, store, th.tokenKey())
	if th.key, err = th.token.UnwrapServiceKey(th.record.Wrap, th.tokenBinding(th.record)); err != nil {
		t.Fatal(err)
	}
	return th
}

func (th *thief) tokenKey() string {
	return "org/" + string(th.org) + "/token/" + string(th.service) + "/" + th.id.String()
}

func (th *thief) tokenBinding(r stolenToken) crypto.TokenBinding {
	return crypto.TokenBinding{
		OrganizationID: r.Organization, Organization: string(th.org), ServiceID: r.Service, Service: string(th.service),
		TokenID: th.id, KeyID: r.KeyID, KeySerial: r.KeySerial, Expires: r.Expires,
	}
}

func (th *thief) secretKey(name secrets.Name) string {
	return "org/" + string(th.org) + "/secret/" + string(name)
}

func (th *thief) rowKey(name secrets.Name) string {
	return "org/" + string(th.org) + "/env/" + string(th.service) + "/" + string(name)
}

func (th *thief) binding(s forgedSecret, name secrets.Name, env string) crypto.GrantBinding {
	return crypto.GrantBinding{
		OrganizationID: th.record.Organization, Organization: string(th.org),
		SecretID: s.ID, Secret: string(name), Version: s.Version, VersionKeyID: s.KeyID,
		ServiceID: th.record.Service, Service: string(th.service), ServiceKeyID: th.record.KeyID, Env: env,
		Digest: crypto.DigestOf(s.Ciphertext),
	}
}

// open opens the version key of a secret that the service is granted.
func (th *thief) open(t testing.TB, store storage.Store, name secrets.Name) (forgedSecret, *crypto.VersionKey) {
	t.Helper()
	s := parse[forgedSecret](t, store, th.secretKey(name))
	row := parse[forgedRow](t, store, th.rowKey(name))
	i := slices.IndexFunc(row.Wraps, func(w forgedWrap) bool { return w.KeyID == s.KeyID && w.ServiceKeyID == th.record.KeyID })
	if i < 0 {
		t.Fatalf("%s is not granted to the thief", name)
	}
	key, err := th.key.UnwrapVersionKey(row.Wraps[i].Wrap, th.binding(s, name, row.Env))
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

// encrypt puts another value into s, under a version key.
func (th *thief) encrypt(t testing.TB, s forgedSecret, name secrets.Name, key *crypto.VersionKey, value string) forgedSecret {
	t.Helper()
	var err error
	s.Ciphertext, err = key.Encrypt([]byte(value), crypto.ValueBinding{
		OrganizationID: th.record.Organization, SecretID: s.ID, Secret: string(name), Version: s.Version,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// row grants s to the thief's own service, in any variable.
func (th *thief) row(t testing.TB, s forgedSecret, name secrets.Name, key *crypto.VersionKey, env string) storage.Entry {
	t.Helper()
	wrap, err := th.key.WrapVersionKey(key, th.binding(s, name, env))
	if err != nil {
		t.Fatal(err)
	}
	row := forgedRow{SecretID: s.ID, Env: env, Wraps: []forgedWrap{{KeyID: s.KeyID, ServiceKeyID: th.record.KeyID, Wrap: wrap}}}
	return storage.Entry{Key: th.rowKey(name), Value: untagged(t, row)}
}

// forge makes a version after s, and the grant of it.
func (th *thief) forge(t testing.TB, s forgedSecret, name secrets.Name, env, value string) []storage.Entry {
	t.Helper()
	key, err := crypto.NewVersionKey()
	if err != nil {
		t.Fatal(err)
	}
	s.Version++
	s.KeyID = crypto.NewID()
	s = th.encrypt(t, s, name, key, value)
	return []storage.Entry{{Key: th.secretKey(name), Value: untagged(t, s)}, th.row(t, s, name, key, env)}
}

// reads tries a row, as it is or once was, on what is stored of a secret now.
func (th *thief) reads(t testing.TB, store storage.Store, name secrets.Name, row []byte) (value string, ok bool) {
	t.Helper()
	s, r := parse[forgedSecret](t, store, th.secretKey(name)), unpack[forgedRow](t, row)
	for _, w := range r.Wraps {
		key, err := th.key.UnwrapVersionKey(w.Wrap, th.binding(s, name, r.Env))
		if err != nil {
			continue
		}
		plaintext, err := key.Decrypt(s.Ciphertext, crypto.ValueBinding{
			OrganizationID: th.record.Organization, SecretID: s.ID, Secret: string(name), Version: s.Version,
		})
		if err == nil {
			return reveal(secrets.Bytes(plaintext)), true
		}
	}
	return "", false
}
