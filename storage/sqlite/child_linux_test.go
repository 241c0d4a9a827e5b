package sqlite_test

import (
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// limitFileSize makes the disk full for this process from then on.
func limitFileSize(size string) error {
	n, err := strconv.ParseUint(size, 10, 64)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

func TestFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPut(t, s, "a", "1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c := start(t)
	c.must("ok", "open", path)
	c.must("ok", "put", "b", "2")
	c.must("ok", "limit", 40_000)
	for range 3 {
		got := c.do("put", "big", strings.Repeat("x", 60_000))
		if !strings.HasPrefix(got, storage.ErrUnknownOutcome.Error()) {
			t.Errorf("put on a full disk: %s", got)
		}
		c.must("got 1 2", "get", "a", "b", "big")
	}
	c.kill()
	s = open(t, path, nil)
	expect(t, s, map[string]string{"a": "1", "b": "2"})
	mustPut(t, s, "a", "2")
}
