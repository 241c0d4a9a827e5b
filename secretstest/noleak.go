package secretstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// minCanary is the least length of a canary: a shorter one, or its base64,
// would be found by chance.
const minCanary = 8

// NoLeak runs fn and fails the test if one of the canaries gets out:
//
//   - in the error that fn returns, or any error that this wraps: its text, all
//     fmt verbs, JSON, and what slog writes of it;
//   - in what fn logs by the default loggers of [log] and [log/slog], at any
//     level;
//   - in what fn writes to [os.Stdout] and [os.Stderr];
//   - in the value that fn panics with. The panic ends there, and is no failure
//     by itself.
//
// A canary is found as it is, in hexadecimal, as a list of bytes, in base64
// (standard and URL, at any alignment), escaped for a URL, and quoted as by Go
// or JSON. It must have at least 8 bytes; take a random one. A part of one is
// not found: give parts as canaries of their own. The failure's message does
// not repeat it.
//
// What fn writes is swallowed. Since the loggers and the two files belong to
// the process, calls of NoLeak wait for each other, and other tests that write
// to them must not run meanwhile. What goes to the file descriptors by other
// ways is not seen: a child process, the runtime, or a logger that was made
// before with its own copy of os.Stderr.
func NoLeak(t testing.TB, fn func() error, canaries ...string) {
	t.Helper()
	if len(canaries) == 0 {
		t.Fatal("secretstest: NoLeak without a canary finds nothing")
	}
	for i, canary := range canaries {
		if len(canary) < minCanary {
			t.Fatalf("secretstest: canary %d has %d bytes; at least %d are needed", i, len(canary), minCanary)
		}
	}
	surfaces := capture(t, fn)
	for i, canary := range canaries {
		forms := formsOf(canary)
		for _, s := range surfaces {
			if form := s.find(forms); form != "" {
				t.Errorf("secretstest: canary %d leaks, %s, in %s", i, form, s.name)
			}
		}
	}
}

// A surface is a place where something may get out, and what did.
type surface struct{ name, text string }

// find returns the name of the first form that occurs, or nothing.
func (s surface) find(forms []form) string {
	for _, f := range forms {
		if strings.Contains(s.text, f.text) {
			return f.name
		}
	}
	return ""
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%x", "%X", "% x", "%d"}

// printings returns what can be printed of v, and of each error in it.
func printings(what string, v any) []surface {
	var all []surface
	add := func(how, text string) {
		all = append(all, surface{fmt.Sprintf("%s (%T), by %s", what, v, how), text})
	}
	for _, verb := range verbs {
		add(verb, fmt.Sprintf(verb, v))
	}
	if text, err := json.Marshal(v); err == nil {
		add("JSON", string(text))
	}
	add("slog", logged(v))
	err, ok := v.(error)
	if !ok {
		return all
	}
	add("Error", err.Error())
	for _, inner := range unwrap(err) {
		all = append(all, printings(what, inner)...)
	}
	return all
}

// unwrap returns the errors that err wraps directly.
func unwrap(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if inner := errors.Unwrap(err); inner != nil {
		return []error{inner}
	}
	return nil
}

// logged returns what slog's own handlers write of v.
func logged(v any) string {
	var b bytes.Buffer
	newLogger(&b).Error("a value", "value", v)
	return b.String()
}

// newLogger returns a logger that writes everything in both formats of slog.
func newLogger(w io.Writer) *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.Level(-1 << 16)}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(w, all), slog.NewJSONHandler(w, all)))
}
