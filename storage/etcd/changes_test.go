package etcd_test

import (
	"context"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func changes(t testing.TB, s storage.Store, prefixes ...string) <-chan struct{} {
	t.Helper()
	signals, err := s.Changes(t.Context(), prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	return signals
}

func signalled(t testing.TB, what string, signals <-chan struct{}) {
	t.Helper()
	select {
	case _, open := <-signals:
		if !open {
			t.Fatalf("%s: the channel was closed", what)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: no signal", what)
	}
}

func quiet(t testing.TB, what string, signals <-chan struct{}) {
	t.Helper()
	select {
	case <-signals:
		t.Errorf("%s: there was a signal", what)
	case <-time.After(300 * time.Millisecond):
	}
}

func TestChangesSignalsOnceAfterALostConnection(t *testing.T) {
	t.Parallel()
	p, through, direct, prefix := behindProxy(t)
	s, other := open(t, through, prefix, nil), open(t, direct, prefix, nil)
	signals := changes(t, s, "a/")
	quiet(t, "before anything", signals)
	p.interrupt(t, through)
	signalled(t, "nothing was committed meanwhile", signals)
	quiet(t, "after that", signals)
	mustPut(t, other, "b/1", "1")
	quiet(t, "commit under another prefix", signals)
	mustPut(t, other, "a/1", "1")
	signalled(t, "commit over the new connection", signals)
}

// What was committed while there was no watch cannot be had any more.
func TestChangesSurvivesACompactionOfWhatItMissed(t *testing.T) {
	t.Parallel()
	p, through, direct, prefix := behindProxy(t)
	s, other := open(t, through, prefix, nil), open(t, direct, prefix, nil)
	signals := changes(t, s, "a/")
	p.Refuse.Store(true)
	p.disconnect(t, through)
	mustPut(t, other, "a/1", "1")
	if err := compact(t.Context(), direct, prefix); err != nil {
		t.Fatal(err)
	}
	p.Refuse.Store(false)
	signalled(t, "a commit that was compacted", signals)
	expect(t, s, map[string]string{"a/1": "1"})
	mustPut(t, other, "a/1", "2")
	signalled(t, "a later commit", signals)
}

// script is a server whose watches all end in the same way, once they were
// created, until one stays.
func script(end error, last *etcdserverpb.WatchResponse) func(int64, etcdserverpb.Watch_WatchServer) error {
	return func(n int64, s etcdserverpb.Watch_WatchServer) error {
		if _, err := s.Recv(); err != nil {
			return err
		}
		if err := s.Send(&etcdserverpb.WatchResponse{Created: true}); err != nil {
			return err
		}
		if n == 1 && last != nil {
			if err := s.Send(last); err != nil {
				return err
			}
		}
		if n == 1 && end != nil {
			return end
		}
		<-s.Context().Done()
		return nil
	}
}

func TestChangesBeginsAgainHoweverAWatchEnds(t *testing.T) {
	t.Parallel()
	for name, watch := range map[string]func(int64, etcdserverpb.Watch_WatchServer) error{
		"compacted": script(nil, &etcdserverpb.WatchResponse{Canceled: true, CompactRevision: 7}),
		"canceled":  script(nil, &etcdserverpb.WatchResponse{Canceled: true, CancelReason: "for some reason"}),
		"no leader": script(rpctypes.ErrGRPCNoLeader, nil),
		"internal":  script(status.Error(codes.Internal, "for some reason"), nil),
		"ended":     script(status.Error(codes.OutOfRange, "by a proxy"), nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{watch: watch}
			signals := changes(t, f.serve(t))
			signalled(t, "the watch has ended", signals)
			quiet(t, "the new one goes on", signals)
			if n := f.watches.Load(); n != 2 {
				t.Errorf("%d watches, want 2", n)
			}
		})
	}
}

// A member that has lost its leader would otherwise keep the watch, and silence.
func TestChangesWatchesOnlyWhereThereIsALeader(t *testing.T) {
	t.Parallel()
	required := make(chan []string, 1)
	f := &fake{watch: func(_ int64, s etcdserverpb.Watch_WatchServer) error {
		required <- incoming(s.Context(), rpctypes.MetadataRequireLeaderKey)
		return script(nil, nil)(2, s)
	}}
	changes(t, f.serve(t))
	if got := <-required; len(got) != 1 || got[0] != rpctypes.MetadataHasLeader {
		t.Errorf("%s is %q", rpctypes.MetadataRequireLeaderKey, got)
	}
}

func TestChangesRefusedByTheServerIsAnError(t *testing.T) {
	t.Parallel()
	f := &fake{watch: func(_ int64, s etcdserverpb.Watch_WatchServer) error {
		return s.Send(&etcdserverpb.WatchResponse{
			Created: true, Canceled: true, CancelReason: rpctypes.ErrGRPCPermissionDenied.Error(),
		})
	}}
	_, err := f.serve(t).Changes(t.Context())
	wantPermission(t, err)
}

// News of one prefix may come before the watch of the next was created.
func TestChangesSignalsWhatComesWhileItBegins(t *testing.T) {
	t.Parallel()
	f := &fake{watch: func(_ int64, s etcdserverpb.Watch_WatchServer) error {
		for id := range int64(2) {
			if _, err := s.Recv(); err != nil {
				return err
			}
			if id == 1 {
				events := []*mvccpb.Event{{Kv: &mvccpb.KeyValue{Key: []byte("/secrets/a/1")}}}
				if err := s.Send(&etcdserverpb.WatchResponse{Events: events}); err != nil {
					return err
				}
			}
			if err := s.Send(&etcdserverpb.WatchResponse{Created: true, WatchId: id}); err != nil {
				return err
			}
		}
		<-s.Context().Done()
		return nil
	}}
	signalled(t, "news of the first prefix", changes(t, f.serve(t), "a/", "b/"))
}

func TestChangesEndsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	p, through, _, prefix := behindProxy(t)
	s := open(t, through, prefix, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	byContext, err := s.Changes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	byClose := changes(t, s)
	p.Refuse.Store(true)
	p.disconnect(t, through)
	cancel()
	closed(t, "its context has ended", byContext)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	closed(t, "the Store was closed", byClose)
}

func closed(t testing.TB, what string, signals <-chan struct{}) {
	t.Helper()
	eventually(t, what, func() bool {
		select {
		case _, open := <-signals:
			return !open
		default:
			return false
		}
	})
}
