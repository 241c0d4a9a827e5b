package secrets_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A dump is the files of a database, at a time when everything is in use, and what
// was deleted is not purged yet.
func TestADumpOfTheDatabaseHoldsNoValueTokenOrKey(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "secrets.db")
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	cache := filepath.Join(folder, "cache")
	u := use(t, store, cache)
	for _, file := range []string{path, path + "-wal", path + "-shm", cache} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s is not looked through: %v", filepath.Base(file), err)
		}
	}
	u.wantNoneIn(t, folder)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	u.wantNoneIn(t, folder)
	t.Attr("canaries-searched", fmt.Sprint(2*len(u.canaries)))
}

func TestFilesOfAServerHoldNoValueTokenOrKey(t *testing.T) {
	t.Parallel()
	t.Run("etcd", func(t *testing.T) {
		t.Parallel()
		server := etcdtest.Start(t, "--unsafe-no-fsync")
		store := openEtcd(t, etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/")
		defer store.Close()
		u := use(t, store, filepath.Join(t.TempDir(), "cache"))
		u.wantNoneIn(t, server.Data())
		server.Kill()
		u.wantNoneIn(t, server.Data())
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := ownPostgres(t)
		store, err := postgres.Open(t.Context(), server.DSN, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		u := use(t, store, filepath.Join(t.TempDir(), "cache"))
		u.wantNoneIn(t, server.Folder) // with its log
		if err := server.Down(); err != nil {
			t.Error(err)
		}
		u.wantNoneIn(t, server.Folder)
	})
}

// A dumped store is one whose files are looked through.
type dumped struct {
	names    []string          // that its files hold
	canaries map[string]string // that none may hold
}

// use does with a store what makes records and replaces them.
func use(t *testing.T, store storage.Store, cache string) dumped {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "root.json")
	root, err := crypto.KeyFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixtureWith(t, store, root)
	for _, name := range []secrets.Name{"a", "a", "b", "c"} {
		f.give(t, name, fmt.Sprint("value of ", name))
	}
	tokens := []secrets.Token{f.token(t), f.token(t)}
	if err := f.api.RevokeToken(t.Context(), tokens[0].ID()); err != nil {
		t.Fatal(err)
	}
	if err := f.api.Revoke(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if err := f.org.DeleteSecret(t.Context(), "b", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	_, err = secrets.ConnectCached(t.Context(), store, tokens[1], secrets.CacheOptions{
		Path: cache, MaxStale: time.Hour, Logger: sweepLog(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	u := dumped{
		names:    []string{"org/acme/secret/a", tokens[1].ID()},
		canaries: map[string]string{"a value": planted, "the root's key": keyOf(t, keyFile)},
	}
	for i, token := range tokens {
		fields := tokenFields(token.Reveal())
		u.canaries[fmt.Sprint("token ", i)] = token.Reveal()
		u.canaries[fmt.Sprint("the key of token ", i)] = fields[len(fields)-32:]
	}
	return u
}

// wantNoneIn looks through the files below a folder.
func (u dumped) wantNoneIn(t *testing.T, folder string) {
	t.Helper()
	dump := dumpOf(t, folder)
	for _, name := range u.names {
		if !found(dump, []byte(name)) {
			t.Errorf("not even %s is found: the search is wrong", name)
		}
	}
	for what, canary := range u.canaries {
		if found(dump, []byte(canary)) {
			t.Errorf("%s is in the files", what)
		}
	}
}

// keyOf returns the bytes of the key in a key file, with which its keyset ends.
func keyOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(text), `"value"`)
	quoted := strings.SplitN(value, `"`, 3)
	if len(quoted) < 3 {
		t.Fatal("no key in the key file")
	}
	var key []byte
	if err := json.Unmarshal([]byte(`"`+quoted[1]+`"`), &key); err != nil || len(key) < 32 {
		t.Fatal(len(key), err)
	}
	return string(key[len(key)-32:])
}

// dumpOf returns what the files below a folder hold, without the zeros that servers
// put at their ends.
func dumpOf(t *testing.T, folder string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a server has removed it just now
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		all = append(all, bytes.TrimRight(data, "\x00")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
