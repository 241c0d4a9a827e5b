package etcd_test

import (
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// TestVersionOfACommitIsThatOfTheWholeAnswer has answers within whose revision is
// another one, as etcd gives them for deletes that come before the first put.
func TestVersionOfACommitIsThatOfTheWholeAnswer(t *testing.T) {
	t.Parallel()
	within := &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponsePut{
		ResponsePut: &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{Revision: 6}},
	}}
	for _, test := range []struct {
		name   string
		header *etcdserverpb.ResponseHeader
		batch  storage.Batch
		want   uint64
	}{
		{"a put", &etcdserverpb.ResponseHeader{Revision: 7}, create("a", "1"), 7},
		{"a delete", &etcdserverpb.ResponseHeader{Revision: 7}, storage.Batch{Checks: []storage.Check{{Key: "b"}}, Deletes: []string{"a"}}, 0},
		{"a put whose answer has no header", nil, create("a", "1"), 0},
		{"a put at no revision", &etcdserverpb.ResponseHeader{Revision: -7}, create("a", "1"), 0},
	} {
		server := &fake{txn: func(int64, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
			return &etcdserverpb.TxnResponse{Header: test.header, Succeeded: true, Responses: []*etcdserverpb.ResponseOp{within}}, nil
		}}
		version, err := server.serve(t).CommitVersion(t.Context(), test.batch)
		if err != nil || version != test.want || server.txns.Load() != 1 {
			t.Errorf("%s: got version %d, error %v, in %d requests; want %d in one", test.name, version, err, server.txns.Load(), test.want)
		}
	}
}
