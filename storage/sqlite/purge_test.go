package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// filesOf returns all bytes of the three files.
func filesOf(t *testing.T, path string) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if _, err := os.Stat(path + "-journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a journal, or %v", err)
	}
	return all
}

// value repeats a mark, so that it is on every page that holds a part.
func value(mark string, size int) string { return strings.Repeat(mark, size/len(mark)+1) }

func remove(t *testing.T, s *sqlite.Store, keys ...string) {
	t.Helper()
	err := s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "never-there"}}, Deletes: keys})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPurgeLeavesNoByteOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 40, "page": 3000, "overflow pages": 200_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s := open(t, path, nil)
			other := start(t)
			other.must("ok", "open", path)
			gone := []string{"<replaced first>", "<replaced then>", "<deleted>"}
			mustPut(t, s, "a", value(gone[0], size))
			mustPut(t, s, "a", value(gone[1], size))
			mustPut(t, s, "b", value(gone[2], size))
			mustPut(t, s, "a", value("<lives>", size))
			other.must("got "+value("<deleted>", size), "get", "b")
			remove(t, s, "b")

			before := filesOf(t, path)
			for _, mark := range gone {
				if !bytes.Contains(before, []byte(mark)) {
					t.Errorf("%s is gone before Purge: the test shows nothing", mark)
				}
			}
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := filesOf(t, path)
			for _, mark := range gone {
				if n := bytes.Count(after, []byte(mark)); n > 0 {
					t.Errorf("%s is there %d times after Purge", mark, n)
				}
			}
			if !bytes.Contains(after, []byte("<lives>")) {
				t.Error("what lives was not found: the test shows nothing")
			}
			other.must("got "+value("<lives>", size), "get", "a", "b")
		})
	}
}

// When a page is divided SQLite copies entries and leaves the bytes of the
// copied ones in the part of the page that it does not use; secure_delete then
// cleans the copy, wherever it has come to.
func TestPurgeRemovesWhatDividedPagesHaveLeft(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	const entries = 1000
	random := rand.New(rand.NewPCG(1, 2))
	for generation := range 4 {
		batch := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
		for i, n := range random.Perm(entries) {
			mark := fmt.Sprintf("<%d of generation %d>", n, generation)
			batch.Puts = append(batch.Puts, storage.Put{
				Key: fmt.Sprint(n), Value: []byte(mark + value(".", random.IntN(900))),
			})
			if i%50 != 49 {
				continue
			}
			if err := s.Commit(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch.Puts = nil
		}
	}
	const last = "of generation 3>"
	stale := func() (n int) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(content, []byte("of generation ")) - entries
	}
	if err := s.Close(); err != nil { // brings the main file up to date
		t.Fatal(err)
	}
	if stale() == 0 {
		t.Error("nothing was left before Purge: the test shows nothing")
	}
	s = open(t, path, nil)
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := stale(); n != 0 {
		t.Errorf("%d entries are left that are none", n)
	}
	if content := filesOf(t, path); bytes.Count(content, []byte(last)) != entries {
		t.Error("entries that live are not there, or twice")
	}
}

// hold keeps reading what is there now, until release.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sqlite3.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("BEGIN; SELECT count(*) FROM entries"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPurgeWaitsForReadersNoLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, &sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	mustPut(t, s, "a", value("<replaced>", 100))
	release := hold(t, path)
	mustPut(t, s, "a", "2")
	err := s.Purge(t.Context())
	if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), "goes on reading") {
		t.Errorf("Purge: got %v, want ErrUnavailable with the path and the reason", err)
	}
	mustPut(t, s, "b", "3") // writers are let through again
	release()
	if err := s.Purge(t.Context()); err != nil {
		t.Errorf("Purge after the reader has ended: %v", err)
	}
	if bytes.Contains(filesOf(t, path), []byte("<replaced>")) {
		t.Error("what was replaced is still there")
	}
	expect(t, s, map[string]string{"a": "2", "b": "3"})
}

func TestPurgeWaitsForReadersUntilTheyHaveEnded(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	release := hold(t, path)
	mustPut(t, s, "a", "2")
	done := make(chan error, 1)
	go func() { done <- s.Purge(t.Context()) }()
	select {
	case err := <-done:
		t.Errorf("Purge beside a reader: %v", err)
		release()
		return
	case <-time.After(100 * time.Millisecond):
	}
	release()
	if err := <-done; err != nil {
		t.Errorf("Purge: %v", err)
	}
}

func TestPurgeWaitsForReadersNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, &sqlite.Options{BusyTimeout: time.Minute})
	mustPut(t, s, "a", "1")
	release := hold(t, path)
	defer release()
	mustPut(t, s, "a", "2")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := s.Purge(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Purge: got %v, want DeadlineExceeded", err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("gave up after %v", took)
	}
	done := make(chan error, 1)
	go func() { done <- s.Purge(context.Background()) }()
	time.Sleep(20 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-done; !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Purge beside Close: got %v, want ErrClosed", err)
	}
}

func TestPurgeOfAReadOnlyStoreIsRefused(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	mustPut(t, open(t, path, nil), "a", "1")
	s := open(t, path, &sqlite.Options{ReadOnly: true})
	if err := s.Purge(t.Context()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("Purge: got %v, want fs.ErrPermission with the path", err)
	}
}

func TestPurgeOfAFileThatWasMovedIsUnavailable(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	rename(t, path, path+".away")
	if err := s.Purge(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Purge: got %v, want ErrUnavailable", err)
	}
}

func TestPurgeOnAFullDiskChangesNothing(t *testing.T) {
	t.Parallel()
	s, disk := openFaulty(t, newPath(t))
	for _, err := range []error{sqlite3.FULL, sqlite3.IOERR_WRITE} {
		disk.write.Store(fault(err))
		if err := s.Purge(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Purge: got %v, want ErrUnavailable", err)
		}
		disk.write.Store(nil)
		expect(t, s, map[string]string{"a": "1"})
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	mustPut(t, s, "a", "2")
	expect(t, s, map[string]string{"a": "2"})
}

// The other process purges without end, beside a writer, until it is killed.
func TestKilledPurgeLosesNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	for i := range 20 {
		mustPut(t, s, fmt.Sprintf("large/%02d", i), value(fmt.Sprint(i), 20_000))
	}
	want, err := s.List(t.Context(), "large/", "", storage.MaxList)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		c := start(t)
		c.must("ok", "open", path)
		c.send("purge")
		c.receive() // the first one has ended
		for end := time.Now().Add(time.Duration(10+13*i) * time.Millisecond); time.Now().Before(end); {
			mustPut(t, s, "counter", fmt.Sprint(i))
		}
		c.kill()
		mustPut(t, s, "counter", "after")
		got, err := s.List(t.Context(), "large/", "", storage.MaxList)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatal("entries have changed")
		}
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	if integrity, err := s.Setting(t.Context(), false, "PRAGMA integrity_check"); integrity != "ok" {
		t.Errorf("integrity: %s, %v", integrity, err)
	}
}
