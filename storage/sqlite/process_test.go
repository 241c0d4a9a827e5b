package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// long says whether to spend minutes instead of seconds.
func long() bool { return os.Getenv("SECRETS_TEST_LONG") != "" }

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "secrets.db")
}

func open(t testing.TB, path string, opts *sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustPut(t testing.TB, s *sqlite.Store, key, value string) {
	t.Helper()
	if err := put(t.Context(), s, key, value); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func expect(t testing.TB, s *sqlite.Store, want map[string]string) {
	t.Helper()
	found, err := s.List(t.Context(), "", "", storage.MaxList)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	got := map[string]string{}
	for _, e := range found {
		got[e.Key] = string(e.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the store holds (-want +got):\n%s", diff)
	}
}

// The bound is Options.BusyTimeout: who has waited for so long gives up.
func TestWritersOfSeveralProcessesAllFinishWithinABoundedWait(t *testing.T) {
	t.Parallel()
	processes, times := 4, 150
	if long() {
		processes, times = 12, 2000
	}
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "counter", "0")
	children := make([]*child, processes)
	for i := range children {
		children[i] = start(t)
		children[i].must("ok", "open", path)
	}
	for _, c := range children {
		c.send("increment", times)
	}
	for _, c := range children {
		answer := c.receive()
		longest, err := time.ParseDuration(answer)
		if err != nil {
			t.Fatalf("a writer gave up: %s", answer)
		}
		t.Logf("longest commit %v", longest)
	}
	expect(t, s, map[string]string{"counter": strconv.Itoa(processes * times)})
}

func TestReadersNeverWaitForAWriterOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	both := func(i int) storage.Batch {
		value := []byte(strconv.Itoa(i))
		return storage.Batch{
			Checks: []storage.Check{{Key: "never-there"}},
			Puts:   []storage.Put{{Key: "left", Value: value}, {Key: "middle", Value: make([]byte, 50_000)}, {Key: "right", Value: value}},
		}
	}
	if err := s.Commit(t.Context(), both(0)); err != nil {
		t.Fatal(err)
	}
	var readers []*child
	for range 3 {
		c := start(t)
		c.must("ok", "open", path)
		c.send("compare", "800ms")
		readers = append(readers, c)
	}
	// The -wal file grows past the mark of a checkpoint several times.
	for i, begin := 1, time.Now(); time.Since(begin) < 800*time.Millisecond; i++ {
		if err := s.Commit(t.Context(), both(i)); err != nil {
			t.Fatalf("Commit beside readers: %v", err)
		}
	}
	for _, c := range readers {
		if got := c.receive(); got != "same" {
			t.Errorf("a reader beside a writer: %s", got)
		}
	}
}

func TestKilledWriterLosesNothingThatItAcknowledged(t *testing.T) {
	t.Parallel()
	duration := 1500 * time.Millisecond
	if long() {
		duration = time.Minute
	}
	path := newPath(t)
	acknowledged := map[string]bool{}
	kills, lost := 0, 0
	for begin := time.Now(); time.Since(begin) < duration; kills++ {
		c := start(t)
		c.must("ok", "open", path)
		c.send("acknowledge", kills)
		time.AfterFunc(time.Duration(20+kills*37%120)*time.Millisecond, func() { _ = c.process.Kill() })
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				break
			}
			acknowledged[fmt.Sprintf("%d/%s", kills, strings.TrimSpace(line))] = true
		}
		lost += checkPairs(t, path, acknowledged)
		if t.Failed() {
			return
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Attr("kills", fmt.Sprint(kills))
	t.Attr("acknowledged", fmt.Sprint(len(acknowledged)))
	t.Attr("lost", fmt.Sprint(lost))
}

// checkPairs wants each acknowledged row, and both rows of each pair or none. It
// returns how many are lost.
func checkPairs(t *testing.T, path string, acknowledged map[string]bool) (lost int) {
	t.Helper()
	s := open(t, path, nil)
	left, right := names(t, s, "left/"), names(t, s, "right/")
	for name := range acknowledged {
		if !left[name] {
			t.Errorf("%s was acknowledged and is lost", name)
			lost++
		}
	}
	if diff := cmp.Diff(left, right); diff != "" {
		t.Errorf("rows without the other of their pair (-left +right):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return lost
}

func names(t *testing.T, s *sqlite.Store, prefix string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for after := ""; ; {
		page, err := s.List(t.Context(), prefix, after, storage.MaxList)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		for _, e := range page {
			found[strings.TrimPrefix(e.Key, prefix)] = true
			after = e.Key
		}
		if len(page) < storage.MaxList {
			return found
		}
	}
}

func TestChangesOfAnotherProcessAreSignalledByPrefix(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "org/a/secret/x", "1")
	c := start(t)
	c.must("ok", "open", path)
	c.must("ok", "watch", "org/a/", "orgs/a")

	mustPut(t, s, "org/b/secret/x", "1")
	c.must("quiet", "wait", "200ms")
	mustPut(t, s, "org/a/secret/x", "2")
	c.must("signal", "wait", "5s")
	c.must("got 2", "get", "org/a/secret/x")
	c.must("quiet", "wait", "200ms")

	found, err := s.Get(t.Context(), "org/a/secret/x")
	if err != nil {
		t.Fatal(err)
	}
	deletion := storage.Batch{
		Checks:  []storage.Check{{Key: found[0].Key, Version: found[0].Version}},
		Deletes: []string{found[0].Key},
	}
	if err := s.Commit(t.Context(), deletion); err != nil {
		t.Fatal(err)
	}
	c.must("signal", "wait", "5s")
	c.must("got", "get", "org/a/secret/x")
}

func TestChangesAreSignalledAfterMoreCommitsThanAreRemembered(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	reader := open(t, path, &sqlite.Options{PollInterval: 700 * time.Millisecond})
	signals, err := reader.Changes(t.Context(), "watched")
	if err != nil {
		t.Fatal(err)
	}
	writer := open(t, path, nil)
	mustPut(t, writer, "watched", "1")
	for i := range 100 {
		mustPut(t, writer, "other", strconv.Itoa(i))
	}
	select {
	case <-signals:
	case <-time.After(5 * time.Second):
		t.Error("no signal")
	}
}

func TestReplacedAndDeletedValuesAreGoneAfterClose(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "canary-replaced")
	mustPut(t, s, "b", strings.Repeat("canary-deleted", 1000))
	mustPut(t, s, "a", "other")
	found, err := s.Get(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	deletion := storage.Batch{Checks: []storage.Check{{Key: "b", Version: found[0].Version}}, Deletes: []string{"b"}}
	if err := s.Commit(t.Context(), deletion); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("a value is still in the file %q", suffix)
		}
	}
}
