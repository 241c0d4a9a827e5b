package etcd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// create is a batch that can be applied once.
func create(key, value string) storage.Batch {
	return storage.Batch{
		Checks: []storage.Check{{Key: key}},
		Puts:   []storage.Put{{Key: key, Value: []byte(value)}},
	}
}

func TestCommitWhoseReplyIsLostIsUnknownAndWasApplied(t *testing.T) {
	t.Parallel()
	p, through, direct, prefix := behindProxy(t)
	s, witness := open(t, through, prefix, nil), open(t, direct, prefix, nil)
	p.MuteReplies.Store(true)
	failed := make(chan error, 1)
	go func() { failed <- s.Commit(t.Context(), create("a", "1")) }()
	eventually(t, "the batch is applied", func() bool {
		found, err := witness.Get(t.Context(), "a")
		return err == nil && len(found) == 1
	})
	p.interrupt(t, through)
	wantError(t, <-failed, storage.ErrUnknownOutcome)

	expect(t, s, map[string]string{"a": "1"}) // over a new connection
	wantError(t, s.Commit(t.Context(), create("a", "2")), storage.ErrConflict)
}

func TestCommitThatIsLostOnItsWayIsUnknownAndWasNotApplied(t *testing.T) {
	t.Parallel()
	p, through, direct, prefix := behindProxy(t)
	s, witness := open(t, through, prefix, nil), open(t, direct, prefix, nil)
	p.MuteRequests.Store(true)
	failed := make(chan error, 1)
	go func() { failed <- s.Commit(t.Context(), create("a", "1")) }()
	time.Sleep(50 * time.Millisecond) // until it was sent
	p.interrupt(t, through)
	wantError(t, <-failed, storage.ErrUnknownOutcome)
	expect(t, witness, map[string]string{})

	if err := s.Commit(t.Context(), create("a", "2")); err != nil {
		t.Error(err)
	}
}

func TestServerThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	p, through, _, prefix := behindProxy(t)
	s := open(t, through, prefix, &etcd.Options{Timeout: 300 * time.Millisecond})
	p.MuteReplies.Store(true)
	for name, test := range map[string]struct {
		run  func() error
		want error
	}{
		"Get":     {func() error { _, err := s.Get(t.Context(), "a"); return err }, storage.ErrUnavailable},
		"List":    {func() error { _, err := s.List(t.Context(), "", "", 1); return err }, storage.ErrUnavailable},
		"Changes": {func() error { _, err := s.Changes(t.Context()); return err }, storage.ErrUnavailable},
		"Commit":  {func() error { return s.Commit(t.Context(), create("a", "1")) }, storage.ErrUnknownOutcome},
		"Commit of checks": {func() error {
			return s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "b"}}})
		}, storage.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			wantError(t, test.run(), test.want)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %v to give up", took)
			}
		})
	}
}

func TestContextThatEndsOnTheWayTellsWhetherAnythingWasSent(t *testing.T) {
	t.Parallel()
	p, through, _, prefix := behindProxy(t)
	s := open(t, through, prefix, nil)
	p.MuteReplies.Store(true)
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	err := s.Commit(short(), create("a", "1"))
	wantError(t, err, storage.ErrUnknownOutcome)
	wantError(t, err, context.DeadlineExceeded)
	_, err = s.Get(short(), "a")
	wantError(t, err, context.DeadlineExceeded)

	p.Refuse.Store(true)
	p.disconnect(t, through)
	for _, err := range []error{
		s.Commit(short(), create("b", "1")),
		func() error { _, err := s.Get(short(), "a"); return err }(),
		func() error { _, err := s.Changes(short()); return err }(),
	} {
		wantError(t, err, context.DeadlineExceeded)
		if errors.Is(err, storage.ErrUnknownOutcome) {
			t.Errorf("got %v, but nothing can have been sent", err)
		}
	}
}

func TestNobodyThereIsUnavailableWithTheAddress(t *testing.T) {
	t.Parallel()
	client := etcdtest.Client(t, []string{nowhere}, nil)
	s := open(t, client, "/secrets/", &etcd.Options{Timeout: 200 * time.Millisecond})
	for name, err := range map[string]error{
		"Commit":  s.Commit(t.Context(), create("a", "1")),
		"Get":     func() error { _, err := s.Get(t.Context(), "a"); return err }(),
		"Changes": func() error { _, err := s.Changes(t.Context()); return err }(),
	} {
		wantError(t, err, storage.ErrUnavailable)
		wantText(t, name, err, nowhere, "/secrets/")
	}
}

func TestClientThatItsOwnerHasClosedIsUnavailable(t *testing.T) {
	t.Parallel()
	client := etcdtest.Client(t, []string{nowhere}, nil)
	s := open(t, client, "/secrets/", nil)
	_ = client.Close()
	wantError(t, s.Commit(t.Context(), create("a", "1")), storage.ErrUnavailable)
	_, err := s.Get(t.Context(), "a")
	wantError(t, err, storage.ErrUnavailable)
}

func TestCloseLeavesTheClientOpen(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	s := open(t, client, prefix, nil)
	if _, err := s.Changes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(t.Context(), prefix); err != nil {
		t.Errorf("the client after Close of the Store: %v", err)
	}
}

func TestCloseWaitsForACommitUnderWay(t *testing.T) {
	t.Parallel()
	p, through, _, prefix := behindProxy(t)
	s := open(t, through, prefix, &etcd.Options{Timeout: 300 * time.Millisecond})
	p.MuteReplies.Store(true)
	failed := make(chan error, 1)
	go func() { failed <- s.Commit(t.Context(), create("a", "1")) }()
	time.Sleep(50 * time.Millisecond) // until it has begun
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		wantError(t, err, storage.ErrUnknownOutcome)
	case <-time.After(100 * time.Millisecond):
		t.Error("Close returned before the Commit that was under way")
	}
}
