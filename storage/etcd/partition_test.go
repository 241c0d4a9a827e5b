package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// A split is a cluster of which one member is cut off from the others.
type split struct {
	members      []*etcdtest.Server
	links        *etcdtest.Links
	acknowledged map[string]string
}

const splitTimeout = 500 * time.Millisecond

func TestMemberThatIsCutOffAcceptsNothingAndServesNothing(t *testing.T) {
	t.Parallel()
	flags := []string{"--unsafe-no-fsync"} // and the time for elections that etcd gives: the machine may be busy
	s := &split{acknowledged: map[string]string{}}
	s.members, s.links = etcdtest.StartLinked(t, flags, flags, flags)
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprint("leader ", leads), func(t *testing.T) {
			leader := etcdtest.Leader(t, s.members)
			i := slices.IndexFunc(s.members, func(m *etcdtest.Server) bool { return (m == leader) == leads })
			s.try(t, s.members[i])
		})
	}
	t.Attr("partitions", "2")
}

// try cuts a member off while it has clients that know no other.
func (s *split) try(t *testing.T, member *etcdtest.Server) {
	alone, all := s.open(t, member), s.open(t, s.members...)
	s.put(t, all, "a", "before "+t.Name())
	signals := changes(t, alone, "a")

	s.links.Split(member)
	wantCutOff(t, alone)
	s.put(t, all, "a", "after "+t.Name())
	for i := range 20 {
		s.put(t, all, fmt.Sprint("n/", i), t.Name())
	}
	wantCutOff(t, alone) // and does not serve what was there before

	s.links.Split()
	signalled(t, "the member is back", signals)
	for _, m := range s.members {
		again := s.open(t, m)
		eventually(t, "the member answers", func() bool { _, err := again.Get(t.Context()); return err == nil })
		expect(t, again, s.acknowledged)
	}
}

func (s *split) open(t *testing.T, members ...*etcdtest.Server) storage.Store {
	t.Helper()
	return open(t, etcdtest.Client(t, etcdtest.Endpoints(members...), nil), "/secrets/", &etcd.Options{Timeout: splitTimeout})
}

// put goes on until the cluster acknowledges it.
func (s *split) put(t *testing.T, store storage.Store, key, value string) {
	t.Helper()
	eventually(t, "a commit is acknowledged", func() bool {
		err := put(t.Context(), store, key, value)
		for _, expected := range []error{nil, storage.ErrUnavailable, storage.ErrUnknownOutcome, storage.ErrConflict} {
			if errors.Is(err, expected) {
				return err == nil
			}
		}
		t.Fatal(err)
		return false
	})
	s.acknowledged[key] = value
}

// wantCutOff wants each call to end in time with an error that says so, whatever
// the member believes of itself.
func wantCutOff(t *testing.T, s storage.Store) {
	t.Helper()
	begin, checks := time.Now(), storage.Batch{Checks: []storage.Check{{Key: "lost"}}}
	short, cancel := context.WithTimeout(t.Context(), splitTimeout/5)
	defer cancel()
	var group sync.WaitGroup
	for what, call := range map[string]func() error{
		"Commit of checks":    func() error { return s.Commit(t.Context(), checks) },
		"Get":                 func() error { _, err := s.Get(t.Context(), "a"); return err },
		"Get with a deadline": func() error { _, err := s.Get(short, "a"); return err },
		"List":                func() error { _, err := s.List(t.Context(), "", "", 10); return err },
	} {
		group.Go(func() {
			if err := call(); !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	err := s.Commit(t.Context(), create("lost", "1"))
	if !errors.Is(err, storage.ErrUnknownOutcome) && !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Commit: %v", err)
	}
	group.Wait()
	if took := time.Since(begin); took > splitTimeout+10*time.Second {
		t.Errorf("it took %v to fail", took)
	}
}
