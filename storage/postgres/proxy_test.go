package postgres_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
)

// A proxy stands between a pool and the server, and spoils what goes through.
type proxy struct {
	listener net.Listener
	network  string
	address  string
	fault    atomic.Pointer[fault]
	answered atomic.Int64 // what the server was asked and has answered: round trips

	mu     sync.Mutex
	conns  []net.Conn
	frozen int // how many of them are
	group  sync.WaitGroup
}

// A fault happens once.
type fault struct {
	// request returns what of a request reaches the server. If that is not
	// all, the connection is cut.
	request func([]byte) []byte

	// instead of the server's answer to COMMIT this is sent, and the
	// connection cut.
	instead []byte
}

func newProxy(t testing.TB, target *pgconn.Config) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener}
	p.network, p.address = pgconn.NetworkAddress(target.Host, target.Port)
	p.group.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.group.Wait()
	})
	return p
}

// behind has a pool connect through the proxy.
func behind(p *proxy) func(*pgxpool.Config) {
	return func(config *pgxpool.Config) { lead(config, p.listener.Addr()) }
}

func lead(config *pgxpool.Config, to net.Addr) {
	address := to.(*net.TCPAddr)
	config.ConnConfig.Host, config.ConnConfig.Port = address.IP.String(), uint16(address.Port)
	config.ConnConfig.TLSConfig, config.ConnConfig.Fallbacks = nil, nil
}

// target is where the server is.
func target(t testing.TB) *pgconn.Config {
	t.Helper()
	testserver.Require(t, serverErr)
	config, err := pgconn.ParseConfig(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		n := len(p.conns)
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.group.Go(func() { p.requests(client, server) })
		p.group.Go(func() { p.answers(n, client, server) })
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

// freeze has nothing come any more through the connections there are, which
// stay open.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = len(p.conns)
}

// isFrozen says so of the n-th connection.
func (p *proxy) isFrozen(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return n < p.frozen
}

func (p *proxy) requests(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		request := buffer[:n]
		if f := p.fault.Load(); f != nil && f.request != nil {
			p.fault.Store(nil)
			_, _ = server.Write(f.request(request))
			return
		}
		if _, err := server.Write(request); err != nil {
			return
		}
	}
}

// answers goes message by message: a type, a length and the rest.
func (p *proxy) answers(n int, client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if p.isFrozen(n) {
			continue
		}
		if f := p.fault.Load(); f != nil && f.request == nil && head[0] == 'C' && bytes.Equal(body, []byte("COMMIT\x00")) {
			p.fault.Store(nil)
			_, _ = client.Write(f.instead)
			return
		}
		if head[0] == 'Z' {
			p.answered.Add(1)
		}
		if _, err := client.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// poolerError is what a pooler tells its client when it has lost the server.
func poolerError() []byte {
	lost := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "server conn crashed?"}
	text, err := lost.Encode(nil)
	if err != nil {
		panic(err)
	}
	return text
}
