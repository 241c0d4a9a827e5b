package byhand

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// A token is what the text of one says.
type token struct {
	organization, service string
	id                    []byte
	key                   []byte
}

// parseToken reads
//
//	org len u8 | org | service len u8 | service | id 16 | floor u64be | key 32 | CRC-32 u32be
func parseToken(text string) (token, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "sks1_"))
	if err != nil || len(b) < 2+16+8+32+4 {
		return token{}, errors.New("not a token")
	}
	organization, b := string(b[1:1+b[0]]), b[1+b[0]:]
	service, b := string(b[1:1+b[0]]), b[1+b[0]:]
	return token{organization: organization, service: service, id: b[:16], key: b[24:56]}, nil
}

func (t token) recordKey() string {
	return "org/" + t.organization + "/token/" + t.service + "/" + hex.EncodeToString(t.id)
}
func (t token) rowPrefix() string    { return "org/" + t.organization + "/env/" + t.service + "/" }
func (t token) secretPrefix() string { return "org/" + t.organization + "/secret/" }
