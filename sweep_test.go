package secrets_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The canary sweep. Nearly every value of these tests begins with planted, and
// it must not turn up where a test's store, log or error is looked through.
const planted = "planted-3c81f0d2b7-"

// text is a value that the sweep finds; reveal gives back what text was given.
func text(s string) secrets.Value   { return secrets.Text(planted + s) }
func reveal(v secrets.Value) string { return strings.TrimPrefix(v.Reveal(), planted) }

// found reports whether secret is in data, as it is, in hexadecimal or in
// base64 at any alignment.
func found(data, secret []byte) bool {
	for _, form := range [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret)))} {
		if bytes.Contains(data, form) {
			return true
		}
	}
	for skip := range 3 {
		whole := (len(secret) - skip) / 3 * 3
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if bytes.Contains(data, []byte(encoding.EncodeToString(secret[skip:skip+whole]))) {
				return true
			}
		}
	}
	return false
}

// sweepStore looks through everything that a store has at the end of a test.
func sweepStore(t testing.TB, store storage.Store) {
	sweepEntries(t, store, []byte(planted), "a value")
}

// sweepToken looks for a token, and for the key in it.
func sweepToken(t testing.TB, store storage.Store, token secrets.Token) {
	sweepEntries(t, store, []byte(token.Reveal()), "a token")
	content, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token.Reveal(), "sks1_"))
	if err != nil {
		t.Fatal(err)
	}
	const sum = 4
	sweepEntries(t, store, content[len(content)-sum-32:len(content)-sum], "a token's key")
}

func sweepEntries(t testing.TB, store storage.Store, secret []byte, what string) {
	after := ""
	for {
		page, err := store.List(context.WithoutCancel(t.Context()), "", after, storage.MaxList)
		if err != nil {
			return // closed by the test
		}
		for _, e := range page {
			if found(append([]byte(e.Key), e.Value...), secret) {
				t.Errorf("%s is stored under %q", what, e.Key)
			}
			after = e.Key
		}
		if len(page) < storage.MaxList {
			return
		}
	}
}

// sweepFile looks through the bytes of a database.
func sweepFile(t testing.TB, path string) {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if found(data, []byte(planted)) {
			t.Errorf("a value is in the file %s", filepath.Base(name))
		}
	}
}

// sweepLog returns a logger whose lines are looked through.
func sweepLog(t testing.TB) *slog.Logger {
	w := &swept{}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if found(w.lines.Bytes(), []byte(planted)) {
			t.Error("a value was logged")
		}
	})
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
}

type swept struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (w *swept) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines.Write(p)
}

// sweepError looks through all that an error prints as.
func sweepError(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var all bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&all, verb+"\n", err)
	}
	encoded, _ := json.Marshal(err) // one that cannot be encoded shows nothing
	all.Write(encoded)
	slog.New(slog.NewJSONHandler(&all, nil)).Error("failed", "err", err)
	if found(all.Bytes(), []byte(planted)) {
		t.Errorf("a value is in the error of type %T", err)
	}
}

func TestSweepFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	secret := []byte(planted + "hunter2")
	for _, text := range []string{
		string(secret), "x" + string(secret) + "y", hex.EncodeToString(secret), fmt.Sprintf("%X", "ab"+string(secret)),
		base64.StdEncoding.EncodeToString(secret), base64.StdEncoding.EncodeToString([]byte("x" + string(secret))),
		base64.URLEncoding.EncodeToString([]byte("xy" + string(secret) + "z")),
	} {
		if !found([]byte(text), []byte(planted)) {
			t.Errorf("not found in %q", text)
		}
	}
	if found([]byte("planted-3c81f0d2b"), []byte(planted)) {
		t.Error("found where it is not")
	}
}
