package secrets

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// A Token lets an app open a [Session] of its service: it is the one secret
// that an app is given. Like a [Value] it never prints itself; only Reveal
// gives the text. The zero Token is not valid. Tokens are immutable and safe
// for concurrent use.
type Token struct {
	// See Value.reveal for why this is a closure.
	open func() tokenContent
}

// tokenContent is what the text of a token says. After the prefix, in unpadded
// base64url:
//
//	org len u8 | org | service len u8 | service | id 16 | floor u64be | key 32 | CRC-32 (IEEE) u32be
//
// The checksum finds slips of copying, nothing more.
type tokenContent struct {
	organization Name
	service      Name
	id           crypto.ID
	floor        uint64 // serial of the service key at issue: an older one is a rollback
	key          *crypto.TokenKey
	text         string
}

// tokenStart lets scanners of logs and repositories find a leaked token.
const tokenStart = "sks1_"

var tokenEncoding = base64.RawURLEncoding.Strict()

func newToken(c tokenContent) Token {
	key := c.key.Bytes()
	defer clear(key)
	b := []byte{byte(len(c.organization))}
	b = append(b, c.organization...)
	b = append(b, byte(len(c.service)))
	b = append(b, c.service...)
	b = append(b, c.id[:]...)
	b = binary.BigEndian.AppendUint64(b, c.floor)
	b = append(b, key...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	defer clear(b)
	c.text = tokenStart + tokenEncoding.EncodeToString(b)
	return Token{open: func() tokenContent { return c }}
}

// ParseToken returns the token whose text is s, exactly: no spaces around it.
// A text that is not a token's gives an error that is [ErrUnauthenticated] and
// says what is wrong without repeating it. Whether the token is still valid is
// found out by [Connect].
func ParseToken(s string) (Token, error) {
	c, reason := parseToken(s)
	if reason != "" {
		return Token{}, &Error{Op: "parse token", Err: fmt.Errorf("%w: %s", ErrUnauthenticated, reason)}
	}
	return Token{open: func() tokenContent { return c }}, nil
}

func parseToken(s string) (c tokenContent, reason string) {
	const maxText = 512
	rest, ok := strings.CutPrefix(s, tokenStart)
	switch {
	case s == "":
		return c, "it is empty"
	case s == Redacted:
		return c, "it is the placeholder that a token is printed as; Reveal gives the token"
	case !ok:
		return c, "a token begins with " + tokenStart
	case len(s) > maxText:
		return c, "it is too long for a token"
	case strings.ContainsAny(rest, "\r\n"): // which the decoder would skip
		return c, "it has a line break in it"
	}
	b, err := tokenEncoding.DecodeString(rest)
	if err != nil { // the cause quotes a byte and its offset
		return c, "it is not base64url: cut off, or spaces or quotes were copied with it"
	}
	defer clear(b)
	if len(b) < crc32.Size {
		return c, "it is cut off"
	}
	body, sum := b[:len(b)-crc32.Size], b[len(b)-crc32.Size:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return c, "its checksum does not match; it is cut off or mistyped"
	}
	organization, body := cutName(body)
	service, body := cutName(body)
	if organization.check() != nil || service.check() != nil || len(body) != len(c.id)+8+crypto.KeySize {
		return c, "its fields are malformed"
	}
	c = tokenContent{organization: organization, service: service, text: strings.Clone(s)}
	body = body[copy(c.id[:], body):]
	c.floor = binary.BigEndian.Uint64(body)
	if c.key, err = crypto.TokenKeyFromBytes(body[8:]); err != nil {
		return c, "its key is malformed"
	}
	return c, ""
}

// cutName takes a name behind its length from b; it is empty if b is too short.
func cutName(b []byte) (Name, []byte) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return "", nil
	}
	n := 1 + int(b[0])
	return Name(b[1:n]), b[n:]
}

// Reveal returns the text of the token, for the app's environment or a file
// that only the app can read.
func (t Token) Reveal() string { return t.content().text }

// ID returns the token's id, as in [TokenInfo]. It is not secret.
func (t Token) ID() string {
	if t.open == nil {
		return ""
	}
	return t.content().id.String()
}

// IsZero reports whether t is the zero Token.
func (t Token) IsZero() bool { return t.open == nil }

func (t Token) content() tokenContent {
	if t.open == nil {
		return tokenContent{}
	}
	return t.open()
}

// Format prints [Redacted], whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { redact(f) }

// String returns [Redacted].
func (t Token) String() string { return Redacted }

// GoString returns [Redacted].
func (t Token) GoString() string { return Redacted }

// LogValue returns [Redacted] to [slog].
func (t Token) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted]; encoding/json and encoding/xml use it too.
func (t Token) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalBinary returns [Redacted]; encoding/gob uses it.
func (t Token) MarshalBinary() ([]byte, error) { return []byte(Redacted), nil }
