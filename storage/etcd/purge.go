package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var _ storage.Purger = (*Store)(nil)

// errMembers says that a Purge would leave a member out.
var errMembers = errors.New("not every member of the cluster is an endpoint of the client")

// Purge implements [storage.Purger]. Its file is member/snap/db of each member
// of the cluster: it compacts the history, waits until each member has done
// so, and has each one written anew (Defragment), one after the other. The
// log of a member keeps what is gone for longer, see the package comment.
//
// The history belongs to all who use the cluster, and is removed as a whole:
// whoever still reads or watches at an older revision, under any prefix, is
// answered with an error of etcd. No entry is lost, and Changes goes on.
//
// While a member is written it answers nobody: for about a second for 200 MB,
// and its disk needs room for a copy. The others go on, so that calls wait only
// if it is the leader or the one that they are connected to. The endpoints of
// the client must be those of all members, a learner cannot be purged, and
// each must be up; otherwise Purge is [storage.ErrUnavailable]. Where
// authentication is enabled it takes a user with the role root, and is
// [io/fs.ErrPermission] for others.
//
// [Options.Timeout] limits no more than finding the members; give ctx a deadline
// against one that hangs. A Purge that is given up may leave members that go on
// with what they were told.
func (s *Store) Purge(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	live, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	if err := s.purge(live); err != nil {
		if s.life.Err() != nil && ctx.Err() == nil {
			return storage.ErrClosed
		}
		return s.fail(ctx, err)
	}
	return nil
}

func (s *Store) purge(ctx context.Context) error {
	connections, err := s.dial()
	defer func() {
		for _, c := range connections {
			_ = c.Close() // nothing is under way
		}
	}()
	if err != nil {
		return err
	}
	revision, err := s.prepare(ctx, connections)
	if err != nil {
		return err
	}
	for _, c := range connections {
		if err := compact(ctx, c, revision); err != nil {
			return err
		}
		if _, err := etcdserverpb.NewMaintenanceClient(c).Defragment(ctx, &etcdserverpb.DefragmentRequest{}); err != nil {
			return err
		}
	}
	return nil
}

// dial returns a connection for each endpoint, to be closed also if there is an
// error. None is tried yet.
func (s *Store) dial() ([]*grpc.ClientConn, error) {
	var connections []*grpc.ClientConn
	for _, endpoint := range s.client.Endpoints() {
		c, err := s.client.Dial(endpoint)
		if err != nil {
			return connections, err
		}
		connections = append(connections, c)
	}
	return connections, nil
}

// prepare returns the revision that holds every commit which has returned, if
// all members can be purged.
func (s *Store) prepare(ctx context.Context, connections []*grpc.ClientConn) (revision int64, err error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.checkMembers(limited, connections); err != nil {
		return 0, err
	}
	newest, err := s.kv.Range(limited, &etcdserverpb.RangeRequest{Key: []byte(s.prefix), CountOnly: true}, readOptions()...)
	return newest.GetHeader().GetRevision(), err
}

// checkMembers wants a connection to each member. It dials no address that the
// server gives: the user's password would go there.
func (s *Store) checkMembers(ctx context.Context, connections []*grpc.ClientConn) error {
	reached := map[uint64]bool{}
	for _, c := range connections {
		status, err := etcdserverpb.NewMaintenanceClient(c).Status(ctx, &etcdserverpb.StatusRequest{}, readOptions()...)
		if err != nil {
			return err
		}
		reached[status.GetHeader().GetMemberId()] = true
	}
	cluster := etcdserverpb.NewClusterClient(s.client.ActiveConnection())
	list, err := cluster.MemberList(ctx, &etcdserverpb.MemberListRequest{Linearizable: true}, readOptions()...)
	if err != nil {
		return err
	}
	for _, member := range list.GetMembers() {
		if !reached[member.GetID()] {
			return fmt.Errorf("%w: of %d members it has %d", errMembers, len(list.GetMembers()), len(reached))
		}
	}
	return nil
}

// compact returns when the member has removed the history from its database.
// The cluster refuses a revision that it was told before, but the answer to
// that, too, comes after this member has done it.
func compact(ctx context.Context, c *grpc.ClientConn, revision int64) error {
	request := &etcdserverpb.CompactionRequest{Revision: revision, Physical: true}
	_, err := etcdserverpb.NewKVClient(c).Compact(ctx, request)
	if errors.Is(rpctypes.Error(err), rpctypes.ErrCompacted) {
		return nil
	}
	return err
}
