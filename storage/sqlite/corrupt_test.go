package sqlite_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// use does everything that there is to do with a database, and returns the
// errors.
func use(t *testing.T, path string) error {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		return err
	}
	_, err = s.Get(t.Context(), "a", "b", "c", "d")
	found, listErr := s.List(t.Context(), "", "", storage.MaxList)
	for _, e := range found {
		if e.Version == 0 {
			t.Error("an entry has version 0")
		}
	}
	_, changesErr := s.Changes(t.Context())
	putErr := put(t.Context(), s, "d", strings.Repeat("d", 9000))
	deleteErr := s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "z"}}, Deletes: []string{"a", "b"}})
	return errors.Join(err, listErr, changesErr, putErr, deleteErr, s.Close())
}

// typed says that an error has one of the meanings that it may have.
func typed(err error) bool {
	for _, kind := range []error{
		sqlite.ErrCorrupt, sqlite.ErrNotDatabase, sqlite.ErrForeign, sqlite.ErrNewer,
		storage.ErrUnavailable, storage.ErrUnknownOutcome, storage.ErrLimit,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func TestDamagedFileIsATypedError(t *testing.T) {
	t.Parallel()
	rounds := 400
	if long() {
		rounds = 5_000
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	intact := content(t)
	path := newPath(t)
	noticed := 0
	for range rounds {
		damaged := bytes.Clone(intact)
		for range 1 + random.IntN(20) {
			damage(random, damaged)
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(path + suffix)
		}
		write(t, path, damaged)
		err := use(t, path)
		if err == nil {
			continue
		}
		noticed++
		if !typed(err) {
			t.Fatalf("an error without a type: %v", err)
		}
	}
	t.Logf("%d of %d were noticed", noticed, rounds)
	if noticed == 0 {
		t.Error("no damage was noticed")
	}
}

// damage changes a byte where a page keeps its structure: at its beginning.
func damage(random *rand.Rand, file []byte) {
	const page, structure = 4096, 160
	at := random.IntN(len(file)/page)*page + random.IntN(structure)
	file[at] = byte(random.UintN(256))
}

func TestTruncatedFileIsATypedError(t *testing.T) {
	t.Parallel()
	intact := content(t)
	for _, size := range []int{1, 15, 16, 60, 99, 100, 500, 4095, 4096, 5000, 8192, len(intact) - 4096, len(intact) - 1} {
		path := newPath(t)
		write(t, path, intact[:size])
		if err := use(t, path); err == nil || !typed(err) {
			t.Errorf("cut to %d of %d bytes: got %v", size, len(intact), err)
		}
	}
}

func TestSchemaOfSomebodyElseIsATypedError(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"DROP TABLE entries",
		"DROP TABLE commits",
		"DELETE FROM commits",
		"DROP TABLE entries; CREATE TABLE entries (a)",
		"DROP TABLE entries; CREATE VIEW entries AS SELECT 'a' AS key, x'31' AS value, 1 AS version",
		"UPDATE entries SET version = 0",
		"UPDATE entries SET version = -1",
		"DROP TABLE entries; CREATE TABLE entries (key, value, version); INSERT INTO entries VALUES ('a', zeroblob(6000000), 1)",
	} {
		path := newPath(t)
		s := open(t, path, nil)
		mustPut(t, s, "a", "1")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		alter(t, path, sql)
		if err := use(t, path); err == nil || !typed(err) {
			t.Errorf("after %s: got %v", sql, err)
		}
	}
}

// What is larger than a Store takes was put there by somebody else. It neither
// fills the memory nor hides the others.
func TestValueLargerThanAnEntryIsNotRead(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	largest := strings.Repeat("x", storage.MaxEntry-1)
	for key, value := range map[string]string{"a": "1", "b": "", "c": "", "d": largest} {
		mustPut(t, s, key, value)
	}
	alter(t, path, "UPDATE entries SET value = zeroblob(1048577) WHERE key = 'b'; UPDATE entries SET value = zeroblob(100000000) WHERE key = 'c'")
	expect(t, s, map[string]string{"a": "1", "b": "", "c": "", "d": largest})
	found, err := s.Get(t.Context(), "a", "b", "c", "d")
	if err != nil || len(found) != 4 || len(found[1].Value)+len(found[2].Value) != 0 || string(found[3].Value) != largest {
		t.Errorf("Get: %d entries, %v", len(found), err)
	}
	mustPut(t, s, "c", "3")
	expect(t, s, map[string]string{"a": "1", "b": "", "c": "3", "d": largest})
}

func TestTriggerInTheFileDoesNotRun(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, path, "CREATE TRIGGER t AFTER UPDATE ON entries BEGIN DELETE FROM entries; END")
	s = open(t, path, nil)
	mustPut(t, s, "a", "2")
	expect(t, s, map[string]string{"a": "2"})
}
