package etcd_test

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
)

// A proxy stands between a client and a server.
type proxy struct {
	net.Listener
	target string

	muteReplies  atomic.Bool // swallow what the server says
	muteRequests atomic.Bool // swallow what the client says
	refuse       atomic.Bool // close new connections at once

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: listener, target: target}
	t.Cleanup(func() {
		_ = p.Close()
		p.cut()
	})
	go p.serve()
	return p
}

// behindProxy returns a proxy in front of the shared server, a client that
// goes through it, and one that does not.
func behindProxy(t testing.TB) (p *proxy, through, direct *clientv3.Client, prefix string) {
	t.Helper()
	direct, prefix = shared(t)
	p = newProxy(t, direct.Endpoints()[0])
	through = etcdtest.Client(t, []string{p.Addr().String()}, nil)
	if _, err := through.Get(t.Context(), prefix); err != nil {
		t.Fatal(err)
	}
	return p, through, direct, prefix
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		if p.refuse.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		go forward(server, client, &p.muteRequests)
		go forward(client, server, &p.muteReplies)
	}
}

func forward(to, from net.Conn, mute *atomic.Bool) {
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !mute.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// interrupt loses what is on its way, and lets everything through after that.
func (p *proxy) interrupt(t testing.TB, client *clientv3.Client) {
	t.Helper()
	p.refuse.Store(true)
	p.disconnect(t, client)
	p.muteReplies.Store(false)
	p.muteRequests.Store(false)
	p.refuse.Store(false)
}

// disconnect returns when the client has noticed.
func (p *proxy) disconnect(t testing.TB, client *clientv3.Client) {
	t.Helper()
	p.cut()
	eventually(t, "the connection is lost", func() bool {
		return client.ActiveConnection().GetState() != connectivity.Ready
	})
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	conns := slices.Clone(p.conns)
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}
