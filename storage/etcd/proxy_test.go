package etcd_test

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
)

// A proxy stands between a client and a server.
type proxy struct{ *testserver.Proxy }

// behindProxy returns a proxy in front of the shared server, a client that
// goes through it, and one that does not.
func behindProxy(t testing.TB) (p proxy, through, direct *clientv3.Client, prefix string) {
	t.Helper()
	direct, prefix = shared(t)
	p = proxy{testserver.NewProxy(t, direct.Endpoints()[0])}
	through = etcdtest.Client(t, []string{p.Addr()}, nil)
	if _, err := through.Get(t.Context(), prefix); err != nil {
		t.Fatal(err)
	}
	return p, through, direct, prefix
}

// interrupt loses what is on its way, and lets everything through after that.
func (p proxy) interrupt(t testing.TB, client *clientv3.Client) {
	t.Helper()
	p.Refuse.Store(true)
	p.disconnect(t, client)
	p.MuteReplies.Store(false)
	p.MuteRequests.Store(false)
	p.Refuse.Store(false)
}

// disconnect returns when the client has noticed.
func (p proxy) disconnect(t testing.TB, client *clientv3.Client) {
	t.Helper()
	p.Cut()
	eventually(t, "the connection is lost", func() bool {
		return client.ActiveConnection().GetState() != connectivity.Ready
	})
}
