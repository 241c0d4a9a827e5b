package secrets

import (
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The stored records. Each is
//
//	format u8 = 1 | tag length u8 | tag | body
//
// where body is the record's fields in deterministic CBOR (RFC 8949, 4.2.1)
// under integer keys, and tag authenticates them for the administrator: see
// [crypto.TagBinding]. The records that an app reads without the tag (rows, and
// of secrets and tokens the parts below) hold wraps, which bind what the app
// acts on. What a record is called is never inside it: names come from the key
// under which it was asked for.

// organizationRecord is stored under orgs/{org}. One that is deleted, and of
// which the rest is being removed, has a new keyset, under which nothing is.
type organizationRecord struct {
	ID      crypto.ID `cbor:"1,keyasint"`
	Serial  uint64    `cbor:"2,keyasint"` // of the keyset
	State   state     `cbor:"3,keyasint,omitempty"`
	Keyset  []byte    `cbor:"4,keyasint,omitempty"` // wrapped by the root
	Created instant   `cbor:"5,keyasint"`
}

// secretRecord is stored under org/{org}/secret/{secret}. A tombstone has ID,
// Version, Serial, Created and Updated alone.
type secretRecord struct {
	ID         crypto.ID   `cbor:"1,keyasint"`
	Version    uint64      `cbor:"2,keyasint"`
	Serial     uint64      `cbor:"3,keyasint"`           // as in the access record; raised by every operation
	State      state       `cbor:"4,keyasint,omitempty"` // stateDeleted: a tombstone
	KeyID      crypto.ID   `cbor:"5,keyasint,omitzero"`  // of the version key
	Recent     []crypto.ID `cbor:"6,keyasint,omitempty"` // the last version key ids, the newest last
	Claim      crypto.ID   `cbor:"7,keyasint,omitzero"`  // version key id of a rewrite under way
	Ciphertext []byte      `cbor:"8,keyasint,omitempty"`
	Wrap       []byte      `cbor:"9,keyasint,omitempty"` // version key, wrapped for the organization
	Created    instant     `cbor:"10,keyasint"`
	Updated    instant     `cbor:"11,keyasint"`
	Oldest     uint64      `cbor:"12,keyasint,omitempty"` // of the versions before this one that are kept; zero for none
}

// sealedSecret is what an app reads of a secretRecord. It passes over the rest.
type sealedSecret struct {
	ID         crypto.ID  `cbor:"1,keyasint"`
	Version    uint64     `cbor:"2,keyasint"`
	Serial     passedOver `cbor:"3,keyasint"`
	State      state      `cbor:"4,keyasint"`
	KeyID      crypto.ID  `cbor:"5,keyasint"`
	Recent     passedOver `cbor:"6,keyasint"`
	Claim      passedOver `cbor:"7,keyasint"`
	Ciphertext []byte     `cbor:"8,keyasint"`
	Wrap       passedOver `cbor:"9,keyasint"`
	Created    passedOver `cbor:"10,keyasint"`
	Updated    passedOver `cbor:"11,keyasint"`
	Oldest     passedOver `cbor:"12,keyasint"`
}

type passedOver struct{}

// UnmarshalCBOR decodes nothing.
func (*passedOver) UnmarshalCBOR([]byte) error { return nil }

// sealed returns what an app would read of the record.
func (r *secretRecord) sealed() sealedSecret {
	return sealedSecret{ID: r.ID, Version: r.Version, State: r.State, KeyID: r.KeyID, Ciphertext: r.Ciphertext}
}

// recentKeys is how many version key ids a secret remembers: a writer that
// lost the answer to its commit finds its own among them.
const recentKeys = 8

// versionRecord is stored under org/{org}/version/{secret}/{number}: a value that
// the secret had before, under a key that no service was ever given.
type versionRecord struct {
	SecretID   crypto.ID `cbor:"1,keyasint"`
	KeyID      crypto.ID `cbor:"2,keyasint"`
	Ciphertext []byte    `cbor:"3,keyasint"`
	Wrap       []byte    `cbor:"4,keyasint"` // version key, wrapped for the organization
	Created    instant   `cbor:"5,keyasint"` // when the value was set
}

// accessRecord is stored under org/{org}/access/{secret}: who has a grant.
type accessRecord struct {
	SecretID crypto.ID `cbor:"1,keyasint"`
	Serial   uint64    `cbor:"2,keyasint"`
	Grantees []grantee `cbor:"3,keyasint"` // sorted by service
}

// grantee is one service in an access record.
type grantee struct {
	_         struct{}    `cbor:",toarray"`
	Service   Name        // not the record's own name, which is the secret's
	ServiceID crypto.ID   //
	KeyIDs    []crypto.ID // the service keys that its wraps are made for: one, or two while it is replaced
	Env       string      // or NoEnv
	Created   instant
}

// serviceRecord is stored under org/{org}/service/{service}.
type serviceRecord struct {
	ID       crypto.ID   `cbor:"1,keyasint"`
	Serial   uint64      `cbor:"2,keyasint"` // raised by every write
	State    state       `cbor:"3,keyasint,omitempty"`
	Current  wrappedKey  `cbor:"4,keyasint"`
	Next     *wrappedKey `cbor:"5,keyasint,omitempty"` // grants are being widened to it
	Previous *wrappedKey `cbor:"6,keyasint,omitempty"` // grants are being narrowed from it
	Tokens   []crypto.ID `cbor:"7,keyasint,omitempty"` // live; one that is not listed does not exist
	Retiring []crypto.ID `cbor:"8,keyasint,omitempty"` // the ones that go, or went, with the key that is replaced
	Created  instant     `cbor:"9,keyasint"`
}

// serialRecord is stored under org/{org}/serial/{service}: the serial of the
// service's record. It stays when the service is deleted, so that serials go on
// counting if the name is created again.
type serialRecord struct {
	ServiceID crypto.ID `cbor:"1,keyasint"`
	Serial    uint64    `cbor:"2,keyasint"`
	State     state     `cbor:"3,keyasint,omitempty"` // stateDeleted: a tombstone
}

// wrappedKey is a service key, wrapped for the organization.
type wrappedKey struct {
	ID     crypto.ID `cbor:"1,keyasint"`
	Serial uint64    `cbor:"2,keyasint"` // one more than that of the key before it
	Wrap   []byte    `cbor:"3,keyasint"`
}

// tokenRecord is stored under org/{org}/token/{service}/{token id}.
type tokenRecord struct {
	OrganizationID crypto.ID `cbor:"1,keyasint"`
	ServiceID      crypto.ID `cbor:"2,keyasint"`
	KeyID          crypto.ID `cbor:"3,keyasint"` // of the service key
	KeySerial      uint64    `cbor:"4,keyasint"`
	Wrap           []byte    `cbor:"5,keyasint"` // service key, wrapped by the token
	TokenKey       []byte    `cbor:"6,keyasint"` // the token's own key, wrapped for the organization
	Created        instant   `cbor:"7,keyasint"`
	Expires        instant   `cbor:"8,keyasint,omitempty"` // 0: never; the wrap binds it
}

// rowRecord is stored under org/{org}/env/{service}/{secret}: a grant as the
// app reads it. It has no tag; only the app believes it, and only so far as its
// wraps open.
type rowRecord struct {
	SecretID crypto.ID   `cbor:"1,keyasint"`
	Env      string      `cbor:"2,keyasint"` // or NoEnv
	Wraps    []grantWrap `cbor:"3,keyasint"`
}

// grantWrap is a version key, wrapped for a service: the grant itself.
type grantWrap struct {
	_            struct{} `cbor:",toarray"`
	KeyID        crypto.ID
	ServiceKeyID crypto.ID
	Wrap         []byte
}

// variableRecord is stored under org/{org}/var/{service}/{VARIABLE}: the secret
// that goes there. It keeps two grants from meeting in one variable, and is
// believed for nothing else.
type variableRecord struct {
	Secret Name `cbor:"1,keyasint"`
}

// state is where an organization, a service or a secret is in its life.
type state uint8

const (
	stateLive     state = iota
	stateDeleting       // writers keep off; whoever meets it finishes or undoes it
	stateDeleted        // a tombstone, or an organization whose keyset is gone
)

// instant is a time in milliseconds of the Unix epoch, UTC.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMilli()) }
func (i instant) time() time.Time   { return time.UnixMilli(int64(i)).UTC() }

// recordType goes into the tag, so that no record passes for one of another
// type.
type recordType uint8

const (
	typeOrganization recordType = 1 + iota
	typeSecret
	typeAccess
	typeService
	typeToken
	typeSerial
	typeVersion
)

const recordFormat = 1

var (
	encodeMode = must(cbor.CoreDetEncOptions().EncMode())
	decodeMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   4,
	}.DecMode())
)

// must is for the fixed options above: they are right, or no test runs.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// encodeBody returns the CBOR of a record.
func encodeBody(record any) []byte { return must(encodeMode.Marshal(record)) }

// frame puts a tag, which may be empty, before a body.
func frame(tag, body []byte) []byte {
	return slices.Concat([]byte{recordFormat, byte(len(tag))}, tag, body)
}

// encode returns a record that carries no tag.
func encode(record any) []byte { return frame(nil, encodeBody(record)) }

// unframe splits what frame has put together.
func unframe(data []byte) (tag, body []byte, err error) {
	if len(data) < 2 || data[0] != recordFormat {
		return nil, nil, ErrTampered
	}
	n := 2 + int(data[1])
	if len(data) < n {
		return nil, nil, ErrTampered
	}
	return data[2:n], data[n:], nil
}

// decodeBody decodes a record's body.
func decodeBody(body []byte, record any) error {
	if err := decodeMode.Unmarshal(body, record); err != nil {
		return ErrTampered // the cause quotes what it met
	}
	return nil
}

// decode decodes a record without regard to its tag.
func decode(data []byte, record any) error {
	if len(data) > storage.MaxEntry {
		return ErrTampered
	}
	return decodeFile(data, record)
}

// decodeFile is decode for what is in a file, and so may be larger.
func decodeFile(data []byte, record any) error {
	_, body, err := unframe(data)
	if err != nil {
		return err
	}
	return decodeBody(body, record)
}
