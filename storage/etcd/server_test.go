package etcd_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// This server syncs its disk, as one in use does.
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	s := open(t, etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
	mustPut(t, s, "a", "1")
	signals := changes(t, s, "pair/")

	const writers = 4
	acknowledged, unknown := make([]int, writers), make([]bool, writers)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for ; ; acknowledged[w]++ {
				err := s.Commit(t.Context(), pair(w, acknowledged[w]))
				if err == nil {
					continue
				}
				unknown[w] = errors.Is(err, storage.ErrUnknownOutcome)
				if !unknown[w] && !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("Commit: %v", err)
				}
				return
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	server.Kill()
	group.Wait()
	<-signals // of what was written
	server.Restart(t)

	signalled(t, "the server is back", signals)
	for w := range writers {
		wantPairs(t, s, w, acknowledged[w], unknown[w])
	}
	mustPut(t, s, "pair/after", "1")
	signalled(t, "a commit after the restart", signals)
}

// pair is a batch of which both entries are there, or none.
func pair(writer, n int) storage.Batch {
	left, right := pairKeys(writer, n)
	return storage.Batch{
		Checks: []storage.Check{{Key: left}},
		Puts:   []storage.Put{{Key: left, Value: []byte("v")}, {Key: right, Value: make([]byte, 2000)}},
	}
}

func pairKeys(writer, n int) (left, right string) {
	return fmt.Sprintf("pair/left/%d/%06d", writer, n), fmt.Sprintf("pair/right/%d/%06d", writer, n)
}

// wantPairs wants all that was acknowledged, and of the next one both entries
// or none; none if it is certain that it was not applied.
func wantPairs(t *testing.T, s storage.Store, writer, acknowledged int, unknown bool) {
	t.Helper()
	if acknowledged == 0 {
		t.Errorf("writer %d has written nothing", writer)
	}
	var keys []string
	for n := range acknowledged + 1 {
		left, right := pairKeys(writer, n)
		keys = append(keys, left, right)
	}
	found, err := s.Get(t.Context(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(found); n != 2*acknowledged && !(unknown && n == 2*acknowledged+2) {
		t.Errorf("writer %d: %d entries of %d acknowledged pairs; is there an unknown outcome: %t", writer, n, acknowledged, unknown)
	}
}

func TestServerThatIsDownIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync")
	client := etcdtest.Client(t, []string{server.Endpoint}, nil)
	s := open(t, client, "/secrets/", &etcd.Options{Timeout: 500 * time.Millisecond})
	mustPut(t, s, "a", "1")
	version := get(t, s, "a").Version
	server.Kill()
	eventually(t, "the lost connection is noticed", func() bool {
		return errors.Is(s.Commit(t.Context(), create("b", "1")), storage.ErrUnavailable)
	})
	begin := time.Now()
	_, err := s.Get(t.Context(), "a")
	wantError(t, err, storage.ErrUnavailable)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Get took %v", took)
	}

	server.Restart(t)
	eventually(t, "the server is back", func() bool { _, err := s.Get(t.Context(), "a"); return err == nil })
	if now := get(t, s, "a").Version; now != version {
		t.Errorf("the version went from %d to %d over a restart", version, now)
	}
	mustPut(t, s, "a", "2")
	if now := get(t, s, "a").Version; now <= version {
		t.Errorf("version %d after %d", now, version)
	}
}

func get(t testing.TB, s storage.Store, key string) storage.Entry {
	t.Helper()
	entries, err := s.Get(t.Context(), key)
	if err != nil || len(entries) != 1 {
		t.Fatalf("Get(%q): %v, %v", key, entries, err)
	}
	return entries[0]
}

func TestFlagsBelowTheDefaultsAreALimit(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--max-txn-ops=2", "--max-request-bytes=100000")
	s := open(t, etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
	batch := create("a", "1")
	batch.Deletes = []string{"b", "c"}
	wantError(t, s.Commit(t.Context(), batch), storage.ErrLimit)
	wantError(t, s.Commit(t.Context(), create("a", string(make([]byte, 200_000)))), storage.ErrLimit)
	_, err := s.Get(t.Context(), "a", "b", "c")
	wantError(t, err, storage.ErrLimit)
	expect(t, s, map[string]string{})
}

// etcd reports that it has no space left for the commit that has taken the
// last of it, and was applied.
func TestCommitWithoutSpaceIsUnknown(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--quota-backend-bytes=2000000")
	s := open(t, etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
	for i := range 100 {
		err := s.Commit(t.Context(), create(fmt.Sprintf("key/%03d", i), string(make([]byte, 100_000))))
		if err == nil {
			continue
		}
		wantError(t, err, storage.ErrUnknownOutcome)
		wantText(t, "Commit", err, "space exceeded")
		get(t, s, "key/000") // reading goes on
		return
	}
	t.Error("the space was never exceeded")
}
