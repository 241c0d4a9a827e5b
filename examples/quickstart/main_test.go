package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppReadsItsDatabaseUntilTheGrantIsRevoked(t *testing.T) {
	t.Setenv("DATABASE_URL", "left over from the shell") // and put back after the test
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := `admin: granted database-url to the service api
app:   DATABASE_URL overwritten from secret "database-url" version 1
app:   its database was visited by Ada
admin: revoked it
app:   does not start again: envload: DATABASE_URL: missing: it is required, but neither granted nor set
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}
