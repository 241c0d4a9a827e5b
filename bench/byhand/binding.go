package byhand

import "encoding/binary"

// The kinds of associated data that an app meets; see package crypto.
const (
	kindToken = 4
	kindValue = 5
	kindGrant = 7
)

// associatedData encodes fields, which are bytes, text or numbers.
func associatedData(kind byte, fields ...any) []byte {
	data := append(make([]byte, 0, 512), "secrets/v1\x00"...)
	data = append(data, kind, 1, byte(len(fields)))
	for _, field := range fields {
		switch field := field.(type) {
		case []byte:
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(field))), field...)
		case string:
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(field))), field...)
		case uint64:
			data = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(data, 8), field)
		}
	}
	return data
}
