package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// compact discards what is older than now.
func compact(ctx context.Context, client *clientv3.Client, key string) error {
	now, err := client.Get(ctx, key)
	if err != nil {
		return err
	}
	_, err = client.Compact(ctx, now.Header.Revision)
	if errors.Is(err, rpctypes.ErrCompacted) { // by another test, and further
		return nil
	}
	return err
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key/%04d", i)
	}
	return keys
}

// Every Get here takes several requests, and the revision of the first may be
// gone before the last.
func TestGetOfManyKeysReadsOneInstantBesideCompactions(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	s := open(t, client, prefix, nil)
	keys := numbered(600)
	for i := range 40 {
		value := []byte{byte(i)}
		written := make(chan error, 1)
		go func() {
			err := s.Commit(t.Context(), storage.Batch{
				Checks: []storage.Check{{Key: "never"}},
				Puts:   []storage.Put{{Key: keys[0], Value: value}, {Key: keys[len(keys)-1], Value: value}},
			})
			written <- errors.Join(err, compact(t.Context(), client, prefix))
		}()
		entries, err := s.Get(t.Context(), keys...)
		if err := errors.Join(err, <-written); err != nil {
			t.Fatal(err)
		}
		switch len(entries) {
		case 0:
			if i > 0 {
				t.Fatalf("round %d: found nothing", i)
			}
		case 2:
			if entries[0].Version != entries[1].Version {
				t.Fatalf("round %d: versions %d and %d, which were written together", i, entries[0].Version, entries[1].Version)
			}
		default:
			t.Fatalf("round %d: found %d entries, want both or none", i, len(entries))
		}
	}
}

// The real server is seldom asked at the very moment.
func TestGetStartsAgainWhenItsRevisionIsCompacted(t *testing.T) {
	t.Parallel()
	var revisions []int64
	f := &fake{txn: func(n int64, request *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
		revisions = append(revisions, request.Success[0].GetRequestRange().GetRevision())
		if n == 2 { // the second part of the first attempt
			return nil, rpctypes.ErrGRPCCompacted
		}
		answer := &etcdserverpb.TxnResponse{Header: &etcdserverpb.ResponseHeader{Revision: 10 * n}}
		for range request.Success {
			answer.Responses = append(answer.Responses, &etcdserverpb.ResponseOp{})
		}
		return answer, nil
	}}
	if _, err := f.serve(t).Get(t.Context(), numbered(300)...); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(revisions), "[0 10 0 30 30]"; got != want {
		t.Errorf("asked for revisions %s, want %s", got, want)
	}
}

func TestReadIsRepeatedUntilThereIsALeader(t *testing.T) {
	t.Parallel()
	f := &fake{txn: func(n int64, _ *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
		if n <= 3 {
			return nil, rpctypes.ErrGRPCNoLeader
		}
		return &etcdserverpb.TxnResponse{Responses: []*etcdserverpb.ResponseOp{found("/secrets/a", 4)}}, nil
	}}
	entries, err := f.serve(t).Get(t.Context(), "a")
	if err != nil || len(entries) != 1 || entries[0].Version != 4 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// A serializable read is answered by any member from what it has, which may be
// the past.
func TestNoReadIsSerializable(t *testing.T) {
	t.Parallel()
	f := &fake{
		txn: func(_ int64, request *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
			answer := &etcdserverpb.TxnResponse{Header: &etcdserverpb.ResponseHeader{Revision: 7}}
			for _, op := range request.Success {
				if op.GetRequestRange().GetSerializable() {
					return nil, rpctypes.ErrGRPCNotCapable
				}
				answer.Responses = append(answer.Responses, &etcdserverpb.ResponseOp{})
			}
			return answer, nil
		},
		list: func(request *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
			if request.GetSerializable() {
				return nil, rpctypes.ErrGRPCNotCapable
			}
			return &etcdserverpb.RangeResponse{}, nil
		},
	}
	s := f.serve(t)
	if _, err := s.Get(t.Context(), numbered(300)...); err != nil {
		t.Error(err)
	}
	if _, err := s.List(t.Context(), "", "", 1); err != nil {
		t.Error(err)
	}
}
