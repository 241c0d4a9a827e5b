package byhand

import (
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// The parts of the records that an app needs.
type tokenRecord struct {
	OrganizationID []byte `cbor:"1,keyasint"`
	ServiceID      []byte `cbor:"2,keyasint"`
	KeyID          []byte `cbor:"3,keyasint"`
	KeySerial      uint64 `cbor:"4,keyasint"`
	Wrap           []byte `cbor:"5,keyasint"`
	Expires        uint64 `cbor:"8,keyasint,omitempty"`
}

type rowRecord struct {
	Env   string      `cbor:"2,keyasint"`
	Wraps []grantWrap `cbor:"3,keyasint"`
}

type grantWrap struct {
	_            struct{} `cbor:",toarray"`
	KeyID        []byte
	ServiceKeyID []byte
	Wrap         []byte
}

type secretRecord struct {
	ID         []byte `cbor:"1,keyasint"`
	Version    uint64 `cbor:"2,keyasint"`
	KeyID      []byte `cbor:"5,keyasint"`
	Ciphertext []byte `cbor:"8,keyasint"`
}

// decode reads
//
//	format u8 | tag length u8 | tag | CBOR
func decode(data []byte, record any) error {
	if len(data) < 2 || len(data) < 2+int(data[1]) {
		return errors.New("too short for a record")
	}
	return cbor.Unmarshal(data[2+int(data[1]):], record)
}
