package testserver

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// A Proxy stands between clients and a server that is reached by TCP, and loses
// what it is told to lose.
type Proxy struct {
	MuteReplies  atomic.Bool // swallow what the server says
	MuteRequests atomic.Bool // swallow what the clients say
	Refuse       atomic.Bool // close new connections at once

	listener net.Listener
	target   string

	mu    sync.Mutex
	conns []net.Conn
}

// NewProxy starts a proxy that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target}
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
	})
	go p.serve()
	return p
}

// Addr is where clients find it.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends all connections that there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	conns := slices.Clone(p.conns)
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.Refuse.Load() {
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
		go forward(server, client, &p.MuteRequests)
		go forward(client, server, &p.MuteReplies)
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
