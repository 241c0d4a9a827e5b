package crypto

import (
	"encoding/binary"
	"math"
)

// Associated data is never stored: writer and reader each build it from what
// they believe. It looks like this, for every kind of binding:
//
//	offset  bytes
//	0       "secrets/v1"
//	10      0x00
//	11      kind    u8     what is bound, the constants below
//	12      format  u8     version of the kind's list of fields: 1
//	13      n       u8     number of fields
//	14      n times: length u32 big-endian, then that many bytes
//
// A field is one of: an ID (16 bytes), a digest (32 bytes), a number (u64
// big-endian, 8 bytes), text or a body (as it is), a record type (1 byte).
// Each field is preceded by its length and the number of fields is fixed
// first, so two different lists never give the same bytes.
const (
	encodingLabel  = "secrets/v1\x00"
	encodingFormat = 1
)

const (
	kindOrganization byte = 1 + iota
	kindServiceKey
	kindTokenKey
	kindToken
	kindValue
	kindVersion
	kindGrant
	kindTag
	kindCache
)

// valueFrame is the layout of a value's plaintext: 1 is the value's bytes as
// they are.
const valueFrame = 1

// A field is bytes, text or a number; the other parts are zero. It refers to
// the caller's memory, so that a binding is encoded with a single allocation.
type field struct {
	bytes    []byte
	text     string
	number   uint64
	isNumber bool
}

func idField(id *ID) field        { return field{bytes: id[:]} }
func digestField(d *Digest) field { return field{bytes: d[:]} }
func bytesField(b []byte) field   { return field{bytes: b} }
func textField(s string) field    { return field{text: s} }
func numberField(n uint64) field  { return field{number: n, isNumber: true} }

func (f *field) size() int {
	if f.isNumber {
		return 8
	}
	return len(f.bytes) + len(f.text)
}

func (f *field) appendTo(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.size()))
	if f.isNumber {
		return binary.BigEndian.AppendUint64(dst, f.number)
	}
	return append(append(dst, f.bytes...), f.text...)
}

// encode returns the associated data of fields, or nil if the format cannot
// hold them. Nil is not associated data: seal and open refuse it.
func encode(kind byte, fields ...field) []byte {
	if len(fields) > math.MaxUint8 {
		return nil
	}
	size := len(encodingLabel) + 3
	for i := range fields {
		n := fields[i].size()
		if uint64(n) > math.MaxUint32 {
			return nil
		}
		size += 4 + n
	}
	data := append(make([]byte, 0, size), encodingLabel...)
	data = append(data, kind, encodingFormat, byte(len(fields)))
	for i := range fields {
		data = fields[i].appendTo(data)
	}
	return data
}
