package storagetest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

func errorCases() []testCase {
	return []testCase{
		{"ErrorsCarryNoValue", errorsCarryNoValue},
		{"PrintingShowsNoEntry", printingShowsNoEntry},
	}
}

// errorsCarryNoValue makes every error that needs no fault of the database,
// where one value is stored and the same is to be written.
func errorsCarryNoValue(t *trial) {
	const canary = "canary in a value"
	s := t.open()
	t.put(s, pairs{"a": canary})
	b := guarded("a", 0, "b", canary)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	made := map[string]error{
		"conflict":      s.Commit(t.Context(), b),
		"ended context": s.Commit(ended, b),
	}
	t.close(s)
	made["closed"] = s.Commit(t.Context(), b)
	for name, err := range made {
		if err == nil {
			t.Errorf("%s: there is no error", name)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); holds(text, canary) {
			t.Errorf("%s: the error carries the value: %s", name, text)
		}
	}
	t.expect(t.open(), pairs{"a": canary})
}

// printingShowsNoEntry prints a Store that is in use. Under the race detector it
// also fails if printing reads what a call writes.
func printingShowsNoEntry(t *trial) {
	const canary = "canary-of-an-entry"
	s := t.open()
	var text string
	errs := together(
		func() error { return s.Commit(t.Context(), guarded("b", 0, canary, canary)) },
		func() error {
			for range 20 {
				text += fmt.Sprintf("%v %+v %#v %s %x", s, s, s, s, s)
			}
			return nil
		},
	)
	if errs[0] != nil {
		t.Errorf("Commit: %v", errs[0])
	}
	if text += fmt.Sprintf("%v %+v %#v %s %x", s, s, s, s, s); holds(text, canary) {
		t.Error("the Store prints an entry")
	}
}

func holds(text, value string) bool {
	for _, form := range []string{
		value, fmt.Sprint([]byte(value)), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value)),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}
