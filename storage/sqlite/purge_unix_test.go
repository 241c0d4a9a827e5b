//go:build unix

package sqlite_test

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// A reader of another user has an index of -wal of his own while there is no
// writer, and has to notice that the file was written anew.
func TestReaderWithoutTheRightToWriteReadsBesidePurge(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, nil)
	mustPutBoth(t, s, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	readers := []*child{startReader(t, path), startReader(t, path)}
	for _, r := range readers {
		r.must("ok", "open", path)
		r.must("got 0 0", "get", "left", "right")
		r.send("compare", "1s")
	}
	if os.Getuid() != 0 {
		allow(t, path) // the readers have opened it before
	}
	last := 0
	for begin := time.Now(); time.Since(begin) < 900*time.Millisecond; {
		s := open(t, path, nil)
		for range 3 {
			last++
			mustPutBoth(t, s, last)
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range readers {
		if got := r.receive(); got != "same" {
			t.Errorf("a reader beside Purge: %s", got)
		}
		r.must(fmt.Sprintf("got %d %d", last, last), "get", "left", "right")
	}
	t.Logf("%d purges", last)
}
