package secrets_test

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// The logger takes every level there is.
func TestTheLogOfACacheSaysWhatIsWrongAndNoSecret(t *testing.T) {
	t.Parallel()
	o, w := newOffline(t), &swept{}
	folder := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	token := o.tokens[0]
	session, err := secrets.ConnectCached(t.Context(), o.away, token, secrets.CacheOptions{
		Path: filepath.Join(folder, "file"), MaxStale: time.Hour,
		Logger: slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.Level(math.MinInt), AddSource: true})),
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want string) {
		t.Helper()
		if got := lookup(t.Context(), session, "A"); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	o.away.off.Store(true)
	read("one")
	o.away.off.Store(false)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	set(t, o.org, "a", "two")
	read("two")
	if err := o.api.RevokeToken(t.Context(), token.ID()); err != nil {
		t.Fatal(err)
	}
	read(secrets.ErrUnauthenticated.Error())

	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range []string{"using the cache", "was not written", "was not removed"} {
		if !strings.Contains(w.lines.String(), line) {
			t.Errorf("nothing says %q", line)
		}
	}
	fields := tokenFields(token.Reveal())
	for what, secret := range map[string]string{"a value": planted, "the token": token.Reveal(), "its key": fields[len(fields)-32:]} {
		if found(w.lines.Bytes(), []byte(secret)) {
			t.Errorf("%s was logged", what)
		}
	}
}
