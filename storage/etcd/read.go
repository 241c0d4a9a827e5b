package etcd

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/storage"
)

const (
	// maxOps is how many operations a server takes in one transaction by
	// default (--max-txn-ops).
	maxOps = 128

	// rereadWait is the pause before a read is repeated.
	rereadWait = 50 * time.Millisecond
)

// readOptions are for requests that may be repeated. An answer may be of any
// size: a page is a thousand entries, and gRPC would stop at 4 MiB.
func readOptions() []grpc.CallOption {
	return []grpc.CallOption{grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(math.MaxInt32)}
}

// Get implements [storage.Store]. It asks for 128 keys at a time, all at one
// revision.
func (s *Store) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	var found []storage.Entry
	err := s.read(ctx, func(ctx context.Context) (err error) {
		found, err = s.get(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// get reads the first chunk as it is now, and the others as they were then. No
// read is serializable, which would let a member answer from its past.
func (s *Store) get(ctx context.Context, keys []string) ([]storage.Entry, error) {
	found := make([]storage.Entry, 0, len(keys))
	var revision int64 // 0 stands for the newest
	for chunk := range slices.Chunk(keys, maxOps) {
		answer, err := s.kv.Txn(ctx, s.ranges(chunk, revision), readOptions()...)
		if err != nil {
			return nil, err
		}
		if found, err = s.appendChunk(found, chunk, answer); err != nil {
			return nil, err
		}
		if revision == 0 {
			revision = answer.GetHeader().GetRevision()
		}
	}
	return found, nil
}

func (s *Store) ranges(keys []string, revision int64) *etcdserverpb.TxnRequest {
	ops := make([]*etcdserverpb.RequestOp, len(keys))
	for i, key := range keys {
		one := &etcdserverpb.RangeRequest{Key: []byte(s.prefix + key), Revision: revision}
		ops[i] = &etcdserverpb.RequestOp{Request: &etcdserverpb.RequestOp_RequestRange{RequestRange: one}}
	}
	return &etcdserverpb.TxnRequest{Success: ops}
}

func (s *Store) appendChunk(found []storage.Entry, keys []string, answer *etcdserverpb.TxnResponse) ([]storage.Entry, error) {
	if len(answer.GetResponses()) != len(keys) {
		return nil, errAnswer
	}
	for i, key := range keys {
		for _, kv := range answer.Responses[i].GetResponseRange().GetKvs() {
			e, err := s.entry(kv)
			if err != nil {
				return nil, err
			}
			if e.Key != key {
				return nil, errAnswer
			}
			found = append(found, e)
		}
	}
	return found, nil
}

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	var found []storage.Entry
	from, to := s.bounds(prefix, after)
	err := s.read(ctx, func(ctx context.Context) (err error) {
		found, err = s.list(ctx, from, to, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// list asks for no order: the server has the keys in byte order, and would
// fetch all of them before the limit if it were asked to sort.
func (s *Store) list(ctx context.Context, from, to string, limit int) ([]storage.Entry, error) {
	if from >= to {
		return nil, nil
	}
	request := &etcdserverpb.RangeRequest{Key: []byte(from), RangeEnd: []byte(to), Limit: int64(limit)}
	answer, err := s.kv.Range(ctx, request, readOptions()...)
	if err != nil {
		return nil, err
	}
	found := make([]storage.Entry, 0, len(answer.GetKvs()))
	for _, kv := range answer.GetKvs() {
		e, err := s.entry(kv)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, nil
}

// bounds returns the first key that a list may contain, and the first one
// after them all.
func (s *Store) bounds(prefix, after string) (from, to string) {
	from = s.prefix + prefix
	if after >= prefix {
		from = s.prefix + after + "\x00" // the next key in byte order
	}
	return from, clientv3.GetPrefixRangeEnd(s.prefix + prefix)
}

// entry takes the bytes over: an answer belongs to nobody else. The revision
// of the write is the version. It counts the writes of the whole cluster, so
// no later write of a key has it, whatever was deleted or compacted.
func (s *Store) entry(kv *mvccpb.KeyValue) (storage.Entry, error) {
	key, ours := strings.CutPrefix(string(kv.GetKey()), s.prefix)
	if !ours || kv.GetModRevision() < 1 {
		return storage.Entry{}, errAnswer
	}
	return storage.Entry{Key: key, Value: kv.GetValue(), Version: uint64(kv.GetModRevision())}, nil
}

// read runs fn, and again if that may help, until [Options.Timeout].
func (s *Store) read(ctx context.Context, fn func(context.Context) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	limited, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), s.timeout)
	defer cancel()
	for {
		err := fn(limited)
		if err == nil {
			return nil
		}
		if !passes(err) || !pause(limited, rereadWait) {
			return s.fail(ctx, err)
		}
	}
}

// passes says that the same read may succeed soon: since the connection or the
// leader was lost, or since the revision of the first chunk was compacted
// before the last one was read.
func passes(err error) bool {
	return status.Code(err) == codes.Unavailable || errors.Is(rpctypes.Error(err), rpctypes.ErrCompacted)
}
