package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServerAnswersFromTheDatabaseOfItsSecret(t *testing.T) {
	t.Setenv("WEBAPP_GREETING", "Welcome")
	t.Setenv("DATABASE_URL", "left over from the shell")
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := `config: {Database:[redacted] Greeting:Welcome}
GET /: 200 OK: Welcome, Ada!
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}
