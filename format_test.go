package secrets_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/envload"
)

func TestHandlesPrintAsWhatTheyAreOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", canary)
	session := f.connect(t, f.token(t))
	live, err := envload.Watch[struct {
		A string `env:"A"`
	}](t.Context(), session, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, handle := range map[string]any{
		"secrets.Client":             f.client,
		"secrets.Organization(acme)": f.org,
		"secrets.Service(acme/api)":  f.api,
		"secrets.Session(acme/api)":  session,
		"envload.Live":               live,
	} {
		for _, format := range formats() {
			if strings.ContainsAny(format, "Tpw") { // package fmt's own, and what go vet refuses
				continue
			}
			if got := fmt.Sprintf(format, handle); got != want {
				t.Errorf("%s: got %q, want %q", format, got, want)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("here", "handle", handle)
		if !strings.Contains(log.String(), want) {
			t.Errorf("logged: %s", &log)
		}
	}
}

// Under the race detector, and where Go notices by itself, this ends the program
// if printing reads what others write.
func TestHandlesArePrintedWhileTheyAreUsed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range names("secret", 20) {
		f.give(t, name, "v")
	}
	session := f.connect(t, f.token(t))
	var using sync.WaitGroup
	using.Go(func() {
		for range 20 {
			if _, err := session.Environment(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := f.org.UpdateSecret(t.Context(), "secret-0000", text("w"), nil); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		_ = fmt.Sprintf("%v %+v %#v %s", f.client, f.org, f.api, session)
	}
	using.Wait()
}
