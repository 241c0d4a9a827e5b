package secrets

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// MaxValue is the most bytes a value may have. Linux refuses to start a program
// with a variable longer than 128 KiB; half of it leaves room for the rest.
const MaxValue = 64 << 10

// Redacted stands for a value wherever one would be printed.
const Redacted = "[redacted]"

// A Value holds the bytes of a secret and never prints them: every fmt verb,
// slog, and the text, JSON and binary encodings give [Redacted], and it cannot
// be compared with ==. Only Reveal and RevealBytes give the bytes. The zero
// Value is empty. Values are immutable and safe for concurrent use.
type Value struct {
	// A closure, because fmt prints the unexported fields of a surrounding
	// struct past any method of theirs, and of a closure it only has the
	// address. A string, because nobody can change one behind our back.
	reveal func() string
}

// Text returns the Value of a string.
func Text(s string) Value { return Value{reveal: func() string { return s }} }

// Bytes returns the Value of a copy of b.
func Bytes(b []byte) Value { return Text(string(b)) }

// Reveal returns the value itself. What is done with it is the caller's.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// RevealBytes returns a copy of the value itself.
func (v Value) RevealBytes() []byte { return []byte(v.Reveal()) }

// Len returns the length of the value in bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// IsZero reports whether the value is empty.
func (v Value) IsZero() bool { return v.Len() == 0 }

// Equal reports whether both values have the same bytes. The time it takes
// depends on their lengths alone.
func (v Value) Equal(other Value) bool { return equal(v.Reveal(), other.Reveal()) }

// equal is [subtle.ConstantTimeCompare] without a copy of what is a string.
func equal[T string | []byte](a string, b T) bool {
	if len(a) != len(b) {
		return false
	}
	var differs byte
	for i := range len(a) {
		differs |= a[i] ^ b[i]
	}
	return subtle.ConstantTimeByteEq(differs, 0) == 1
}

// Format prints [Redacted], whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { redact(f) }

// String returns [Redacted].
func (v Value) String() string { return Redacted }

// GoString returns [Redacted].
func (v Value) GoString() string { return Redacted }

// LogValue returns [Redacted] to [slog].
func (v Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted]; encoding/json and encoding/xml use it too.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON returns [Redacted] as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalBinary returns [Redacted]; encoding/gob uses it.
func (v Value) MarshalBinary() ([]byte, error) { return []byte(Redacted), nil }

// UnmarshalText sets the value to a copy of text, so that configuration can be
// read into fields of this type. It refuses [Redacted]: somebody is about to
// store the placeholder for the secret.
func (v *Value) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errRedacted
	}
	*v = Bytes(text)
	return nil
}

// UnmarshalBinary is UnmarshalText for encoding/gob.
func (v *Value) UnmarshalBinary(data []byte) error { return v.UnmarshalText(data) }

var errRedacted = errors.New("refusing the placeholder " + Redacted + " as a value")

// redact answers for the Format methods of all types that hold secret bytes.
// fmt catches a failing writer itself, so there is nothing to report.
func redact(f fmt.State) { _, _ = f.Write([]byte(Redacted)) }
