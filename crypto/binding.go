package crypto

// A binding says what a ciphertext is and where it belongs. It is
// authenticated with the ciphertext and never stored, so a ciphertext opens
// only for the binding it was made with, field by field.
//
// Names (organization, service, secret) and token ids come from what the
// caller asked for, never from a stored record: otherwise a copied row would
// reveal one secret as another. The fields are in the order in which they are
// encoded.

// An OrganizationBinding binds an organization's keyset wrapped by a root.
type OrganizationBinding struct {
	OrganizationID ID
	Organization   string
	Serial         uint64 // raised with every new wrap of the keyset
}

func (b OrganizationBinding) associatedData() []byte {
	return encode(kindOrganization,
		idField(&b.OrganizationID),
		textField(b.Organization),
		numberField(b.Serial))
}

// A ServiceKeyBinding binds a service key wrapped for the organization.
type ServiceKeyBinding struct {
	OrganizationID, ServiceID ID
	Service                   string
	KeyID                     ID
	KeySerial                 uint64
}

func (b ServiceKeyBinding) associatedData() []byte {
	return encode(kindServiceKey,
		idField(&b.OrganizationID),
		idField(&b.ServiceID),
		textField(b.Service),
		idField(&b.KeyID),
		numberField(b.KeySerial))
}

// A TokenKeyBinding binds a token's key wrapped for the organization.
type TokenKeyBinding struct {
	OrganizationID, ServiceID ID
	Service                   string
	TokenID                   ID
}

func (b TokenKeyBinding) associatedData() []byte {
	return encode(kindTokenKey,
		idField(&b.OrganizationID),
		idField(&b.ServiceID),
		textField(b.Service),
		idField(&b.TokenID))
}

// A TokenBinding binds a service key wrapped by a token. What an app knows of
// itself (organization id, service id) it takes from the binding that opened.
type TokenBinding struct {
	OrganizationID ID
	Organization   string
	ServiceID      ID
	Service        string
	TokenID, KeyID ID
	KeySerial      uint64
	Expires        uint64 // in milliseconds of the Unix epoch; 0 is never
}

func (b TokenBinding) associatedData() []byte {
	return encode(kindToken,
		idField(&b.OrganizationID),
		textField(b.Organization),
		idField(&b.ServiceID),
		textField(b.Service),
		idField(&b.TokenID),
		idField(&b.KeyID),
		numberField(b.KeySerial),
		numberField(b.Expires))
}

// A ValueBinding binds a value encrypted under its version key. It protects
// against those who do not hold the version key and against nobody who does;
// what binds a reader is the wrap: [VersionBinding], [GrantBinding].
type ValueBinding struct {
	OrganizationID, SecretID ID
	Secret                   string
	Version                  uint64
}

func (b ValueBinding) associatedData() []byte {
	return encode(kindValue,
		idField(&b.OrganizationID),
		idField(&b.SecretID),
		textField(b.Secret),
		numberField(b.Version),
		numberField(valueFrame))
}

// A VersionBinding binds a version key wrapped for the organization.
type VersionBinding struct {
	OrganizationID, SecretID ID
	Secret                   string
	Version                  uint64
	VersionKeyID             ID
	Digest                   Digest
}

func (b VersionBinding) associatedData() []byte {
	return encode(kindVersion,
		idField(&b.OrganizationID),
		idField(&b.SecretID),
		textField(b.Secret),
		numberField(b.Version),
		idField(&b.VersionKeyID),
		digestField(&b.Digest))
}

// A GrantBinding binds a version key wrapped for a service, which is the
// grant. It names everything that a reader acts on, the environment variable
// and the very ciphertext included.
type GrantBinding struct {
	OrganizationID          ID
	Organization            string
	SecretID                ID
	Secret                  string
	Version                 uint64
	VersionKeyID, ServiceID ID
	Service                 string
	ServiceKeyID            ID
	Env                     string
	Digest                  Digest
}

func (b GrantBinding) associatedData() []byte {
	return encode(kindGrant,
		idField(&b.OrganizationID),
		textField(b.Organization),
		idField(&b.SecretID),
		textField(b.Secret),
		numberField(b.Version),
		idField(&b.VersionKeyID),
		idField(&b.ServiceID),
		textField(b.Service),
		idField(&b.ServiceKeyID),
		textField(b.Env),
		digestField(&b.Digest))
}

// A CacheBinding binds what an app keeps beside it of the records of its
// service, sealed under the service key.
type CacheBinding struct {
	OrganizationID ID
	Organization   string
	ServiceID      ID
	Service        string
	TokenID, KeyID ID
}

func (b CacheBinding) associatedData() []byte {
	return encode(kindCache,
		idField(&b.OrganizationID),
		textField(b.Organization),
		idField(&b.ServiceID),
		textField(b.Service),
		idField(&b.TokenID),
		idField(&b.KeyID))
}

// A TagBinding binds a record that carries no ciphertext of its own: the
// record's type, its organization, each name of its storage key as a field,
// and its body exactly as stored, so that it is checked before it is parsed.
// At most 252 names.
type TagBinding struct {
	Record       uint8
	Organization ID
	Names        []string
	Body         []byte
}

func (b TagBinding) associatedData() []byte {
	record := [1]byte{b.Record}
	var few [8]field // as many as any record of the engine has
	fields := append(few[:0], bytesField(record[:]), idField(&b.Organization))
	for _, name := range b.Names {
		fields = append(fields, textField(name))
	}
	return encode(kindTag, append(fields, bytesField(b.Body))...)
}
