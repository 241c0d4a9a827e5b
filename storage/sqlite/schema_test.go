package sqlite_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// edited are changes of the schema that somebody who may write to the file
// could make so that what is written does not arrive, or more than that.
var edited = []string{
	"CREATE TRIGGER t BEFORE INSERT ON commits BEGIN INSERT INTO entries VALUES ('evil', x'31', 9); END",
	"CREATE TRIGGER t AFTER INSERT ON entries BEGIN INSERT INTO entries VALUES ('evil', new.value, 9); END",
	"CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
	"CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER t BEFORE UPDATE ON entries BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER t AFTER DELETE ON entries BEGIN INSERT INTO entries VALUES ('evil', old.value, old.version); END",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT, value BLOB, version INTEGER); INSERT INTO entries VALUES ('a', x'31', 1), ('a', x'32', 1)",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT PRIMARY KEY ON CONFLICT IGNORE, value BLOB, version INTEGER)",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB AS (x'41'), version INTEGER)",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT PRIMARY KEY, v BLOB, value BLOB AS (zeroblob(3000000)), version INTEGER); INSERT INTO entries (key, v, version) VALUES ('a', 1, 1)",
	"DROP TABLE entries; CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT, version TEXT)",
	"ALTER TABLE entries ADD COLUMN z INTEGER DEFAULT 7",
	"ALTER TABLE entries ADD COLUMN z INTEGER CHECK (length(value) < 3)",
	"CREATE INDEX i ON entries (length(value))",
	"CREATE UNIQUE INDEX i ON entries (version)",
	"CREATE VIEW v AS SELECT load_extension('x')",
	"CREATE TABLE other (a)",
	"UPDATE entries SET version = 9223372036854775807",
	"INSERT INTO commits VALUES (9223372036854775807, 'a')",
	"INSERT INTO commits VALUES (9223372036854775806, 'a')",
	"INSERT INTO commits VALUES (1000000, zeroblob(3000000) || 'a')",
	"DROP TABLE commits; CREATE TABLE commits (version INTEGER PRIMARY KEY CHECK (version > 0), keys TEXT AS ('a'))",
	"DROP TABLE commits; CREATE TABLE commits (version INTEGER, keys TEXT); INSERT INTO commits VALUES (1, 'a'), (1, 'a'), ('x', 'a')",
}

func TestCommitInAnEditedSchemaArrivesOrIsATypedError(t *testing.T) {
	t.Parallel()
	for _, sql := range edited {
		path := newPath(t)
		s := open(t, path, nil)
		mustPut(t, s, "a", "1")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		alter(t, path, sql)
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			if !typed(err) {
				t.Errorf("after %s: Open: %v", sql, err)
			}
			continue
		}
		for _, key := range []string{"new", "a", "new"} {
			arrives(t, s, sql, key)
		}
		err = s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "z"}}, Deletes: []string{"a"}})
		if err != nil && !typed(err) {
			t.Errorf("after %s: a deletion: %v", sql, err)
		}
		found, err := s.List(t.Context(), "", "", storage.MaxList)
		if err != nil && !typed(err) {
			t.Errorf("after %s: List: %v", sql, err)
		}
		if slices.ContainsFunc(found, func(e storage.Entry) bool { return e.Key == "evil" }) {
			t.Errorf("after %s: it was run", sql)
		}
		_ = s.Close()
	}
}

// arrives fails the test if a commit is acknowledged that cannot be read.
func arrives(t *testing.T, s *sqlite.Store, sql, key string) {
	t.Helper()
	before, err := s.Get(t.Context(), key)
	check := storage.Check{Key: key}
	if len(before) > 0 {
		check.Version = before[0].Version
	}
	value := fmt.Sprintf("%s at %d", key, check.Version)
	if err == nil {
		err = s.Commit(t.Context(), storage.Batch{
			Checks: []storage.Check{check}, Puts: []storage.Put{{Key: key, Value: []byte(value)}},
		})
	}
	if err != nil {
		if !typed(err) {
			t.Errorf("after %s: %v", sql, err)
		}
		return
	}
	after, err := s.Get(t.Context(), key)
	if err != nil || len(after) != 1 || string(after[0].Value) != value || after[0].Version == check.Version {
		t.Errorf("after %s: what was committed is not there: %d entries, %v", sql, len(after), err)
	}
}

func TestCommitAfterTheLastVersionIsErrCorruptAndChangesNothing(t *testing.T) {
	t.Parallel()
	for left := range int64(2) {
		path := newPath(t)
		s := open(t, path, nil)
		mustPut(t, s, "a", "1")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		alter(t, path, fmt.Sprintf("INSERT INTO commits VALUES (%d, 'a')", math.MaxInt64-left))
		s = open(t, path, nil)
		for range left {
			mustPut(t, s, "a", "1")
		}
		before, err := s.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := put(t.Context(), s, "a", "2"); !errors.Is(err, sqlite.ErrCorrupt) {
			t.Errorf("%d before the last: got %v, want ErrCorrupt", left, err)
		}
		after, err := s.Get(t.Context(), "a")
		if diff := cmp.Diff(before, after); err != nil || diff != "" {
			t.Errorf("%d before the last: %v, and the entry has changed (-before +after):\n%s", left, err, diff)
		}
	}
}
