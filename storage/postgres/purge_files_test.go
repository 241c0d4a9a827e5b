package postgres_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// A value repeats its mark, so that each page of a file that holds a part of
// the value holds the mark.
const (
	markReplaced = "<replaced>"
	markDeleted  = "<deleted>"
	markSampled  = "<deleted after ANALYZE>"
	markLives    = "<lives>"
)

func repeated(mark string, size int) string { return strings.Repeat(mark, size/len(mark)+1) }

// TestPurgeLeavesNoByteInTheFiles also shows what the package comment says of
// the write-ahead log: that it keeps what is gone, and what operators can do.
func TestPurgeLeavesNoByteInTheFiles(t *testing.T) {
	t.Parallel()
	testserver.Require(t, serverErr)
	server, err := testserver.StartPostgres("-c fsync=off -c wal_recycle=off -c wal_keep_size=0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	admin := poolOf(t, server.DSN, nil)
	defer admin.Close()
	s, err := postgres.OpenPool(t.Context(), admin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	writeHistory(t, s, admin)
	run(t, admin, "VACUUM secrets.entries", "CHECKPOINT")
	for _, folder := range []string{"base", "pg_wal"} {
		wantMarks(t, server, folder, "before Purge", true, markReplaced, markDeleted, markSampled, markLives)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantMarks(t, server, "pg_wal", "after Purge", true, markReplaced, markDeleted, markSampled)
	run(t, admin, "SELECT pg_switch_wal()", "CHECKPOINT")
	wantMarks(t, server, ".", "after Purge and CHECKPOINT", false, markReplaced, markDeleted, markSampled)
	wantMarks(t, server, "base", "after Purge and CHECKPOINT", true, markLives)
}

// writeHistory leaves values of several sizes that are gone, and some that
// live: in a row, in its TOAST table, and sampled by the server.
func writeHistory(t *testing.T, s storage.Store, admin *pgxpool.Pool) {
	t.Helper()
	remove := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
	for _, size := range []int{40, 1500, 200_000} {
		key, deleted := fmt.Sprint("kept/", size), fmt.Sprint("deleted/", size)
		commit(t, s, put(key, repeated(markReplaced, size)))
		commit(t, s, put(key, repeated(markLives, size)))
		commit(t, s, put(deleted, repeated(markDeleted, size)))
		remove.Deletes = append(remove.Deletes, deleted)
	}
	for i := range 50 {
		key := fmt.Sprint("sampled/", i)
		commit(t, s, put(key, fmt.Sprint(markSampled, i)))
		remove.Deletes = append(remove.Deletes, key)
	}
	run(t, admin, "ANALYZE secrets.entries")
	commit(t, s, remove)
}

// wantMarks wants all of the marks in the files of a folder, or none.
func wantMarks(t *testing.T, server *testserver.Postgres, folder, when string, there bool, marks ...string) {
	t.Helper()
	found := map[string]string{}
	root := filepath.Join(server.Folder, "data", folder)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, mark := range marks {
			if bytes.Contains(content, []byte(mark)) {
				found[mark] += " " + strings.TrimPrefix(path, root)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range marks {
		if (found[mark] != "") != there {
			t.Errorf("%s: files in %s with %s: %q; want any: %v", when, folder, mark, found[mark], there)
		}
	}
}

func run(t *testing.T, pool *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
