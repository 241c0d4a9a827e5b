package etcd

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// grace is how long a call whose context has ended waits for the answer to
// what was sent: nearly always the outcome is known before.
const grace = 100 * time.Millisecond

// Commit implements [storage.Store]. A batch is one transaction of etcd, sent
// at most once.
func (s *Store) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := s.CommitVersion(ctx, batch)
	return err
}

// CommitVersion implements [storage.Versioner].
func (s *Store) CommitVersion(ctx context.Context, batch storage.Batch) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	lasting, cancel := s.outlast(ctx)
	defer cancel()
	sending := &attempt{ctx: ctx}
	answer, err := s.kv.Txn(lasting, s.transaction(batch), sending.options()...)
	switch {
	case err == nil && answer.GetSucceeded():
		return versionOf(batch, answer), nil
	case err == nil:
		return 0, storage.ErrConflict
	case sending.mayBeApplied() && len(batch.Puts)+len(batch.Deletes) > 0:
		return 0, s.unknown(ctx, err)
	default:
		return 0, s.fail(ctx, err)
	}
}

// versionOf takes the revision in the answer's own header, which is the one that
// the transaction has made if it has written; those of the answers within may be
// the one before.
func versionOf(batch storage.Batch, answer *etcdserverpb.TxnResponse) uint64 {
	if len(batch.Puts) == 0 {
		return 0
	}
	return uint64(max(0, answer.GetHeader().GetRevision()))
}

// outlast returns a context that ends a little after ctx, and at the latest
// with [Options.Timeout].
func (s *Store) outlast(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return clientv3.WithRequireLeader(lasting), func() {
		stop()
		cancel()
	}
}

// transaction compares and writes. The server counts both against its limit of
// operations, each for itself, and takes an absent key for one of revision 0.
func (s *Store) transaction(batch storage.Batch) *etcdserverpb.TxnRequest {
	request := &etcdserverpb.TxnRequest{}
	for _, check := range batch.Checks {
		request.Compare = append(request.Compare, s.compare(check))
	}
	for _, put := range batch.Puts {
		one := &etcdserverpb.PutRequest{Key: []byte(s.prefix + put.Key), Value: put.Value}
		request.Success = append(request.Success,
			&etcdserverpb.RequestOp{Request: &etcdserverpb.RequestOp_RequestPut{RequestPut: one}})
	}
	for _, key := range batch.Deletes {
		one := &etcdserverpb.DeleteRangeRequest{Key: []byte(s.prefix + key)}
		request.Success = append(request.Success,
			&etcdserverpb.RequestOp{Request: &etcdserverpb.RequestOp_RequestDeleteRange{RequestDeleteRange: one}})
	}
	if len(request.Success) == 0 && len(batch.Checks) > 0 {
		request.Success = []*etcdserverpb.RequestOp{s.look(batch.Checks[0].Key)}
	}
	return request
}

// look is for a batch that only checks. A member answers a transaction without
// any operation from what it has, without asking the leader, also one that was
// cut off long ago. A reading makes it ask.
func (s *Store) look(key string) *etcdserverpb.RequestOp {
	one := &etcdserverpb.RangeRequest{Key: []byte(s.prefix + key), CountOnly: true}
	return &etcdserverpb.RequestOp{Request: &etcdserverpb.RequestOp_RequestRange{RequestRange: one}}
}

// compare takes a version beyond those of etcd for a negative one, which no
// key has.
func (s *Store) compare(check storage.Check) *etcdserverpb.Compare {
	return &etcdserverpb.Compare{
		Key:         []byte(s.prefix + check.Key),
		Result:      etcdserverpb.Compare_EQUAL,
		Target:      etcdserverpb.Compare_MOD,
		TargetUnion: &etcdserverpb.Compare_ModRevision{ModRevision: int64(check.Version)},
	}
}
