package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
)

// TestMain lets the test binary be the child process, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "app" {
		main()
		return
	}
	leaktest.Main(m)
}

func TestEachAppGetsTheVariablesOfItsServiceAlone(t *testing.T) {
	t.Setenv("PLATFORM_PASSWORD", "not for the apps")
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := `shop was started with ["DATABASE_URL" "PAYMENT_KEY"]
mailer was started with ["SMTP_PASSWORD"]
status was started with []
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}
