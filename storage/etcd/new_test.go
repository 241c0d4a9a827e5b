package etcd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// nowhere is an address where nobody listens.
const nowhere = "127.0.0.1:1"

func TestNewRefusesAPrefixThatMayReachIntoAnother(t *testing.T) {
	t.Parallel()
	client := etcdtest.Client(t, []string{nowhere}, nil)
	longest := strings.Repeat("p", storage.MaxKey-1) + "/"
	for _, prefix := range []string{"", "secrets", "/secrets", "a b/", "a\x00/", "ä/", "a\n/", "p" + longest} {
		_, err := etcd.New(client, prefix, nil)
		if err == nil {
			t.Errorf("prefix %q was accepted", prefix)
		}
		wantError(t, err, storage.ErrLimit)
	}
	for _, prefix := range []string{"/", "secrets/", "/a/b/", longest} {
		if _, err := etcd.New(client, prefix, nil); err != nil {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
}

func TestNewRefusesWhatIsNoClientOrDuration(t *testing.T) {
	t.Parallel()
	if _, err := etcd.New(nil, "/secrets/", nil); err == nil {
		t.Error("a nil client was accepted")
	}
	client := etcdtest.Client(t, []string{nowhere}, nil)
	if _, err := etcd.New(client, "/secrets/", &etcd.Options{Timeout: -time.Second}); err == nil {
		t.Error("a negative timeout was accepted")
	}
}

func TestStoresOfDifferentPrefixesShareNothing(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	one, other := open(t, client, prefix+"one/", nil), open(t, client, prefix+"other/", nil)
	mustPut(t, one, "a", "1")
	mustPut(t, other, "a", "2")
	mustPut(t, other, "b", "3")
	expect(t, one, map[string]string{"a": "1"})
	expect(t, other, map[string]string{"a": "2", "b": "3"})
}

// The longest keys under the longest prefix, in the largest batch, are what
// one request of etcd has to hold.
func TestLargestBatchFitsUnderTheLongestPrefix(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	prefix += strings.Repeat("p", storage.MaxKey-len(prefix)-1) + "/"
	s := open(t, client, prefix, nil)
	batch := storage.Batch{}
	for i := range storage.MaxWrites {
		key := strings.Repeat("k", storage.MaxKey-1)
		size := storage.MaxBatch/storage.MaxWrites - storage.MaxKey
		batch.Puts = append(batch.Puts, storage.Put{Key: key + string(rune('!'+i)), Value: make([]byte, size)})
	}
	for _, put := range batch.Puts {
		last := len(put.Key) - 1
		batch.Checks = append(batch.Checks, storage.Check{Key: put.Key[1:last] + "/" + put.Key[last:]})
	}
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	found, err := s.List(t.Context(), "", "", storage.MaxList)
	if err != nil || len(found) != storage.MaxWrites {
		t.Errorf("List found %d entries, %v, want %d", len(found), err, storage.MaxWrites)
	}
}
