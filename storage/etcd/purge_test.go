package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// A value repeats its mark, so that each page of a file that holds a part of
// the value holds the mark.
const (
	markReplaced = "<replaced>"
	markDeleted  = "<deleted>"
	markLives    = "<lives>"
)

// writeHistory leaves small and large values that are gone, and some that live.
func writeHistory(t *testing.T, s *etcd.Store) {
	t.Helper()
	for name, size := range map[string]int{"small": 40, "large": 200_000} {
		of := func(mark string) string { return strings.Repeat(mark, size/len(mark)+1) }
		mustPut(t, s, "kept/"+name, of(markReplaced))
		mustPut(t, s, "kept/"+name, of(markLives))
		mustPut(t, s, "deleted/"+name, of(markDeleted))
		remove(t, s, "deleted/"+name)
	}
}

func remove(t *testing.T, s *etcd.Store, key string) {
	t.Helper()
	err := s.Commit(t.Context(), storage.Batch{
		Checks:  []storage.Check{{Key: key, Version: get(t, s, key).Version}},
		Deletes: []string{key},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// holds says whether a file below a folder of the server holds the mark.
func holds(t *testing.T, server *etcdtest.Server, folder, mark string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(server.Data(), folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server has removed it just now
		}
		found = found || bytes.Contains(content, []byte(mark))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantMarks(t *testing.T, server *etcdtest.Server, folder, when string, want map[string]bool) {
	t.Helper()
	for mark, there := range want {
		if got := holds(t, server, folder, mark); got != there {
			t.Errorf("%s: %s in %s: %v, want %v", when, mark, folder, got, there)
		}
	}
}

var (
	allMarks  = map[string]bool{markReplaced: true, markDeleted: true, markLives: true}
	onlyLives = map[string]bool{markReplaced: false, markDeleted: false, markLives: true}
)

// The last member is slow to remove the history, entry by entry.
func TestPurgeLeavesNoByteInTheDatabaseOfAnyMember(t *testing.T) {
	t.Parallel()
	quick := []string{"--unsafe-no-fsync"}
	slow := append(quick, "--compaction-batch-limit=1", "--compaction-sleep-interval=100ms")
	members := etcdtest.StartCluster(t, quick, quick, slow)
	var endpoints []string
	for _, m := range members {
		endpoints = append(endpoints, m.Endpoint)
	}
	s := open(t, etcdtest.Client(t, endpoints, nil), "/secrets/", nil)
	writeHistory(t, s)
	for _, m := range members {
		eventually(t, "what is gone has come to the disk of each member", func() bool {
			return holds(t, m, "member/snap", markDeleted) && holds(t, m, "member/snap", markReplaced)
		})
	}

	some := open(t, etcdtest.Client(t, endpoints[:2], nil), "/secrets/", nil)
	err := some.Purge(t.Context())
	wantError(t, err, storage.ErrUnavailable)
	wantText(t, "Purge of two members", err, "/secrets/", "not every member", "of 3 members it has 2")
	wantMarks(t, members[0], "member/snap", "after Purge was refused", allMarks)

	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		wantMarks(t, m, "member/snap", "after Purge", onlyLives)
		wantMarks(t, m, "member/wal", "after Purge", allMarks) // as the package comment says
	}

	members[2].Kill()
	impatient := open(t, etcdtest.Client(t, endpoints, nil), "/secrets/", &etcd.Options{Timeout: time.Second})
	wantError(t, impatient.Purge(t.Context()), storage.ErrUnavailable)
	mustPut(t, s, "kept/small", "goes on")
}

// Without the role nothing is removed.
func TestPurgeTakesTheRoleRoot(t *testing.T) {
	t.Parallel()
	server := startWithUsers(t)
	platform := open(t, as(t, server, "platform"), "/secrets/", nil)
	mustPut(t, platform, "a", "1")
	old := int64(get(t, platform, "a").Version)
	mustPut(t, platform, "a", "2")
	for _, user := range []string{"platform", "app"} {
		wantPermission(t, open(t, as(t, server, user), "/secrets/", nil).Purge(t.Context()))
	}
	root := as(t, server, "root")
	if _, err := root.Get(t.Context(), "/secrets/a", clientv3.WithRev(old)); err != nil {
		t.Errorf("the history after Purge was refused: %v", err)
	}
	if err := open(t, root, "/secrets/", nil).Purge(t.Context()); err != nil {
		t.Errorf("Purge with the role root: %v", err)
	}
	if _, err := root.Get(t.Context(), "/secrets/a", clientv3.WithRev(old)); err == nil {
		t.Error("there is a history after Purge")
	}
	expect(t, platform, map[string]string{"a": "2"})
}

func TestPurgeEndsWithTheStore(t *testing.T) {
	t.Parallel()
	p, through, _, prefix := behindProxy(t)
	s := open(t, through, prefix, &etcd.Options{Timeout: time.Minute})
	mustPut(t, s, "a", "1")
	p.MuteReplies.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, s.Purge(ctx), context.DeadlineExceeded)

	done := make(chan error, 1)
	go func() { done <- s.Purge(context.Background()) }()
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, <-done, storage.ErrClosed)
}

// TestLogLosesWhatIsGoneWhenItHasGoneOn is what the package comment says of the
// log, with flags that let it happen early, and at the start of the server
// instead of within half a minute.
func TestLogLosesWhatIsGoneWhenItHasGoneOn(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--max-wals=1", "--snapshot-count=50")
	s := open(t, etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
	writeHistory(t, s)
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantMarks(t, server, "member/wal", "before the log has gone on", map[string]bool{markReplaced: true, markDeleted: true})
	for i := range 150 {
		mustPut(t, s, "large", strings.Repeat(string(rune('a'+i%26)), 1_000_000))
	}
	server.Kill()
	server.Restart(t)
	eventually(t, "the log has lost what is gone", func() bool {
		files, err := filepath.Glob(filepath.Join(server.Data(), "member", "wal", "*-0000000000000000.wal"))
		return err == nil && len(files) == 0
	})
	wantMarks(t, server, "member", "after the files were looked at", map[string]bool{markReplaced: false, markDeleted: false})
	get(t, s, "kept/small")
}
