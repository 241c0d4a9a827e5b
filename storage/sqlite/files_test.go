package sqlite_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func TestPathIsTheNameOfAFileAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"plain.db", "a b.db", "a?mode=memory", "a?mode=ro&vfs=none", "a#b", "a%20b", "a%", "a%00b", "a&b=c;d+e",
		":memory:", "file:x", "file:x?mode=memory", "ünï-日本.db", "\xff\xfe", "'quoted\"", "new\nline", `back\slash`, "-dash",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		s := open(t, path, nil)
		mustPut(t, s, "a", "1")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		found, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range found {
			names = append(names, f.Name())
		}
		if diff := cmp.Diff([]string{name, name + "-shm", name + "-wal"}, names); diff != "" {
			t.Errorf("the files of path %q (-want +got):\n%s", name, diff)
		}
		expect(t, open(t, path, nil), map[string]string{"a": "1"})
	}
}

func TestRelativePathStaysWhereItWas(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, ":memory:", nil)
	t.Chdir(t.TempDir())
	mustPut(t, s, "a", "1")
	expect(t, open(t, filepath.Join(dir, ":memory:"), nil), map[string]string{"a": "1"})
}

func TestOpenSaysWhatIsWrongWithThePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		opts       *sqlite.Options
		want       error
		text       string
	}{
		{"empty", "", nil, fs.ErrInvalid, "sqlite: invalid argument: the path is empty"},
		{"NUL", "a\x00b", nil, fs.ErrInvalid, "sqlite: invalid argument: the path holds a NUL byte"},
		{"a folder", dir, nil, nil, "is a directory"},
		{"no folder", filepath.Join(dir, "no", "secrets.db"), nil, fs.ErrNotExist, "no such file or directory: make the folder first"},
		{"nothing to read", filepath.Join(dir, "no.db"), &sqlite.Options{ReadOnly: true}, fs.ErrNotExist, "no such file or directory, and ReadOnly creates none"},
		{"a link to nothing", link, nil, fs.ErrNotExist, "nothing is created through a symbolic link"},
		{"too long", filepath.Join(dir, strings.Repeat("x", 300)), nil, nil, "file name too long"},
		{"negative timeout", filepath.Join(dir, "negative.db"), &sqlite.Options{BusyTimeout: -1}, nil, "negative"},
	} {
		s, err := sqlite.Open(t.Context(), test.path, test.opts)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			_ = s.Close()
			continue
		}
		if test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want %v %q", test.name, err, test.want, test.text)
		}
		if test.path != "" && strings.Count(err.Error(), test.path) > 1 {
			t.Errorf("%s: the path is there twice: %v", test.name, err)
		}
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 1 {
		t.Errorf("files were made: %v, %v", found, err)
	}
}

// A connection string that is taken for a path may hold a password.
func TestConnectionStringsAreNotRepeated(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("folder?_key=hunter2", 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"postgres://app:hunter2@db/main":      "the path is a URL",
		"file:///var/lib/hunter2.db?mode=rwc": "the path is a URL",
		"sqlite://hunter2":                    "the path is a URL",
		"no/secrets.db?_key=hunter2":          `sqlite: "no/secrets.db?...": no such file or directory: make the folder first`,
		"folder?_key=hunter2":                 `sqlite: "folder?...": is a directory`,
	} {
		s, err := sqlite.Open(t.Context(), path, nil)
		if err == nil {
			t.Errorf("%q: no error", path)
			_ = s.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if found, err := os.ReadDir(dir); err != nil || len(found) != 1 {
		t.Errorf("files were made: %v, %v", found, err)
	}
}

// What looks like one without being a URL is the name of a file, and errors of
// its Store do not repeat it either.
func TestErrorsOfAStoreShowThePathUpToAQuestionMark(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets.db?_key=hunter2")
	mustPut(t, open(t, path, nil), "a", "1")
	s := open(t, path, &sqlite.Options{ReadOnly: true})
	rename(t, path, path+".away")
	_, get := s.Get(t.Context(), "a")
	for _, err := range []error{get, put(t.Context(), s, "a", "2")} {
		if err == nil || !strings.Contains(err.Error(), "secrets.db?...") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpenWithAnEndedContextMakesNoFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, path, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat: %v", err)
	}
}

func TestLinkToAnExistingFileIsFollowed(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	mustPut(t, open(t, link, nil), "a", "1")
	expect(t, s, map[string]string{"a": "1"})
	if found, err := filepath.Glob(filepath.Dir(link) + "/*"); err != nil || len(found) != 1 {
		t.Errorf("files beside the link: %q, %v", found, err)
	}
}

func TestManyMayCreateTheDatabaseAtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := newPath(t)
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				s, err := sqlite.Open(t.Context(), path, nil)
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				if err := put(t.Context(), s, string(rune('a'+i)), "1"); err != nil {
					t.Errorf("put: %v", err)
				}
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		group.Wait()
		expect(t, open(t, path, nil), map[string]string{"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1"})
	}
}

func TestEmptyFileBecomesADatabase(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	write(t, path, nil)
	_, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: true})
	if !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("Open for reading: got %v, want ErrNotDatabase", err)
	}
	mustPut(t, open(t, path, nil), "a", "1")
	expect(t, open(t, path, nil), map[string]string{"a": "1"})
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileThatIsNotOursIsNotChanged(t *testing.T) {
	t.Parallel()
	ours := content(t)
	newer := bytes.Clone(ours)
	binary.BigEndian.PutUint32(newer[60:], 2)
	for _, test := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"text", []byte(strings.Repeat("not a database, but long enough for a header\n", 9)), sqlite.ErrNotDatabase},
		{"short", []byte("x"), sqlite.ErrNotDatabase},
		{"cut header", ours[:50], sqlite.ErrNotDatabase},
		{"zeros", make([]byte, 8192), sqlite.ErrNotDatabase},
		{"another application", foreign(t, "CREATE TABLE entries (key, value, version); PRAGMA application_id=7; PRAGMA user_version=1"), sqlite.ErrForeign},
		{"no application", foreign(t, "CREATE TABLE t (x)"), sqlite.ErrForeign},
		{"no tables", foreign(t, "VACUUM"), sqlite.ErrForeign},
		{"newer", newer, sqlite.ErrNewer},
		{"older than the first", foreign(t, "CREATE TABLE t (x); PRAGMA application_id=0x53454352"), sqlite.ErrCorrupt},
	} {
		path := newPath(t)
		write(t, path, test.content)
		for _, opts := range []*sqlite.Options{nil, {ReadOnly: true}} {
			s, err := sqlite.Open(t.Context(), path, opts)
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: got %v, want %v with the path", test.name, err, test.want)
			}
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(after, test.content) {
			t.Errorf("%s: the file was changed, or %v", test.name, err)
		}
		if found, err := os.ReadDir(filepath.Dir(path)); err != nil || len(found) != 1 {
			t.Errorf("%s: files were made: %v, %v", test.name, found, err)
		}
	}
}

// content is a database of ours with an entry.
func content(t *testing.T) []byte {
	t.Helper()
	path := newPath(t)
	s := open(t, path, nil)
	for _, key := range []string{"a", "b", "c"} {
		mustPut(t, s, key, strings.Repeat(key, 2000))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// foreign is a database of somebody else.
func foreign(t *testing.T, sql string) []byte {
	t.Helper()
	path := newPath(t)
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Exec(sql), db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadOnlyStoreRefusesToWrite(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	mustPut(t, open(t, path, nil), "a", "1")
	s := open(t, path, &sqlite.Options{ReadOnly: true})
	batch := storage.Batch{Checks: []storage.Check{{Key: "b"}}, Puts: []storage.Put{{Key: "b"}}}
	if err := s.Commit(t.Context(), batch); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("Commit: got %v, want fs.ErrPermission with the path", err)
	}
	expect(t, s, map[string]string{"a": "1"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), batch); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Commit after Close: got %v, want ErrClosed", err)
	}
}

// alter changes a database as somebody would who has the file and a shell.
func alter(t *testing.T, path, sql string) {
	t.Helper()
	db, err := sqlite3.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Exec(sql), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestStoreNoticesThatItsFileWasReplaced(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	expect(t, s, map[string]string{"a": "1"})
	batch := storage.Batch{Checks: []storage.Check{{Key: "b"}}, Puts: []storage.Put{{Key: "b", Value: []byte("2")}}}

	rename(t, path, path+".away")
	if err := s.Commit(t.Context(), batch); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Commit to a file that is gone: got %v, want ErrUnavailable", err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Get from a file that is gone: got %v, want ErrUnavailable", err)
	}
	rename(t, path+".away", path)
	mustPut(t, s, "a", "3")
	expect(t, s, map[string]string{"a": "3"})

	other := newPath(t)
	o := open(t, other, nil)
	mustPut(t, o, "other", "4")
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	signals, err := s.Changes(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	rename(t, other, path)
	select {
	case <-signals:
	case <-time.After(5 * time.Second):
		t.Error("no signal after the file was replaced")
	}
	expect(t, s, map[string]string{"other": "4"})
	mustPut(t, open(t, path, nil), "other", "5")
	select {
	case <-signals:
	case <-time.After(5 * time.Second):
		t.Error("no signal after a commit to the new file")
	}
	if err := s.Commit(t.Context(), batch); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Commit to a file that was replaced: got %v, want ErrUnavailable", err)
	}
	mustPut(t, s, "b", "5")
	expect(t, s, map[string]string{"b": "5", "other": "5"})
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
