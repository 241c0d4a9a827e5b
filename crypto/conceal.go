package crypto

import (
	"fmt"
	"io"
	"log/slog"
)

// Package fmt prints the raw bytes of an unexported field past any method, and
// Tink's own key objects print theirs. Both meet only a code address where a
// value is kept in a closure.
type concealed[T any] func() T

func conceal[T any](v T) concealed[T] { return func() T { return v } }

const redactedText = "[redacted]"

// redacted is embedded in the types that hold key material and answers for
// them wherever a value is formatted, logged or encoded.
type redacted struct{}

func (redacted) String() string               { return redactedText }
func (redacted) GoString() string             { return redactedText }
func (redacted) Format(s fmt.State, _ rune)   { io.WriteString(s, redactedText) }
func (redacted) LogValue() slog.Value         { return slog.StringValue(redactedText) }
func (redacted) MarshalText() ([]byte, error) { return []byte(redactedText), nil }
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedText + `"`), nil }
