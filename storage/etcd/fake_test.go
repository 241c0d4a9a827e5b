package etcd_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// A fake answers as no healthy server would.
type fake struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedWatchServer
	etcdserverpb.UnimplementedAuthServer

	txns atomic.Int64
	txn  func(n int64, request *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) // the n-th one, from 1

	list func(request *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error)

	watches atomic.Int64
	watch   func(n int64, s etcdserverpb.Watch_WatchServer) error
}

func (f *fake) Txn(_ context.Context, request *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	return f.txn(f.txns.Add(1), request)
}

func (f *fake) Range(_ context.Context, request *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	return f.list(request)
}

func (f *fake) Watch(s etcdserverpb.Watch_WatchServer) error {
	return f.watch(f.watches.Add(1), s)
}

func (f *fake) Authenticate(context.Context, *etcdserverpb.AuthenticateRequest) (*etcdserverpb.AuthenticateResponse, error) {
	return &etcdserverpb.AuthenticateResponse{Token: "token"}, nil
}

// serve returns a Store whose server is the fake.
func (f *fake) serve(t testing.TB) *etcd.Store {
	t.Helper()
	return f.serveWithin(t, 0)
}

func (f *fake) serveWithin(t testing.TB, timeout time.Duration) *etcd.Store {
	t.Helper()
	client := etcdtest.Client(t, []string{f.start(t)}, withUser("app", "password"))
	return open(t, client, "/secrets/", &etcd.Options{Timeout: timeout})
}

// start returns the address of the fake.
func (f *fake) start(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	etcdserverpb.RegisterKVServer(server, f)
	etcdserverpb.RegisterWatchServer(server, f)
	etcdserverpb.RegisterAuthServer(server, f)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// found is the answer to one range that has found one key.
func found(key string, revision int64) *etcdserverpb.ResponseOp {
	kvs := []*mvccpb.KeyValue{{Key: []byte(key), Value: []byte("value"), ModRevision: revision}}
	return &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{
		ResponseRange: &etcdserverpb.RangeResponse{Kvs: kvs},
	}}
}

// incoming returns what a request says beside its content.
func incoming(ctx context.Context, key string) []string {
	md, _ := metadata.FromIncomingContext(ctx)
	return md.Get(key)
}
