package sqlite_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func TestSettingsOfEveryKindOfConnection(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	writable := open(t, path, nil)
	readOnly := open(t, path, &sqlite.Options{ReadOnly: true})
	want := map[string]string{
		"journal_mode":       "wal",
		"synchronous":        "2", // FULL
		"secure_delete":      "1",
		"trusted_schema":     "0",
		"cell_size_check":    "1",
		"foreign_keys":       "0",
		"temp_store":         "2", // memory
		"mmap_size":          "0",
		"journal_size_limit": "4194304",
		"wal_autocheckpoint": "1000",
		"locking_mode":       "normal",
		"application_id":     "1397048146",
		"user_version":       "1",
		"encoding":           "UTF-8",
	}
	for name, value := range want {
		for _, c := range []struct {
			kind   string
			store  *sqlite.Store
			writer bool
		}{
			{"writer", writable, true}, {"reader", writable, false}, {"read-only", readOnly, false},
		} {
			got, err := c.store.Setting(t.Context(), c.writer, "PRAGMA "+name)
			if err != nil {
				t.Fatalf("%s of a %s: %v", name, c.kind, err)
			}
			if got != value {
				t.Errorf("%s of a %s is %q, want %q", name, c.kind, got, value)
			}
		}
	}
	for writer, value := range map[bool]string{true: "0", false: "1"} {
		if got, err := writable.Setting(t.Context(), writer, "PRAGMA query_only"); err != nil || got != value {
			t.Errorf("query_only of writer=%v is %q, %v", writer, got, err)
		}
	}
}

// The recent versions of SQLite matter for their repairs.
func TestVersionOfSQLite(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), nil)
	got, err := s.Setting(t.Context(), false, "SELECT sqlite_version()")
	if err != nil {
		t.Fatal(err)
	}
	if got < "3.50" {
		t.Errorf("SQLite %s, want 3.50 or later", got)
	}
	t.Logf("SQLite %s", got)
}

func TestEveryStatementIsASearchOfAnIndex(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t), nil)
	for statement, want := range map[string]string{
		sqlite.SQLGet:    "SEARCH entries USING INDEX sqlite_autoindex_entries_1 (key=?)",
		sqlite.SQLList:   "SEARCH entries USING INDEX sqlite_autoindex_entries_1 (key>? AND key<?)",
		sqlite.SQLNewest: "SEARCH commits",
		sqlite.SQLSince:  "SEARCH commits USING INTEGER PRIMARY KEY (rowid>?)",
		sqlite.SQLForget: "SEARCH commits USING INTEGER PRIMARY KEY (rowid<?)",
		sqlite.SQLDelete: "SEARCH entries USING INDEX sqlite_autoindex_entries_1 (key=?)",
	} {
		got, err := s.Plan(t.Context(), statement)
		if err != nil || got != want {
			t.Errorf("%s: plan %q, %v, want %q", statement, got, err, want)
		}
	}
}
