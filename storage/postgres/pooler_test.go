package postgres_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// A pooler lends its few connections of the server to its clients, one for
// each transaction, as PgBouncer does in transaction mode. It takes them in
// turn, so that no two transactions of a client meet what one of them has left.
type pooler struct {
	listener net.Listener
	config   *pgconn.Config
	servers  chan *pgconn.HijackedConn
	status   map[string]string

	mu      sync.Mutex
	clients []net.Conn
	group   sync.WaitGroup
}

func newPooler(t testing.TB) *pooler {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const size = 5
	p := &pooler{listener: listener, config: target(t), servers: make(chan *pgconn.HijackedConn, size)}
	for range size {
		server := p.connect(nil)
		if server == nil {
			t.Fatal("no connection")
		}
		p.servers <- server
		p.status = server.ParameterStatuses
	}
	p.group.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// connect returns a connection of the server, and otherwise the one that there was.
func (p *pooler) connect(was *pgconn.HijackedConn) *pgconn.HijackedConn {
	conn, err := pgconn.ConnectConfig(context.Background(), p.config)
	if err != nil {
		return was
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		return was
	}
	return hijacked
}

func (p *pooler) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, client := range p.clients {
		_ = client.Close()
	}
	p.mu.Unlock()
	p.group.Wait()
	for range cap(p.servers) {
		_ = (<-p.servers).Conn.Close()
	}
}

func (p *pooler) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.clients = append(p.clients, client)
		p.mu.Unlock()
		p.group.Go(func() {
			defer client.Close()
			_ = p.serve(pgproto3.NewBackend(client, client)) // the client is gone
		})
	}
}

// serve greets a client, with a number of its own, and runs its transactions.
func (p *pooler) serve(client *pgproto3.Backend) error {
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return err
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range p.status {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	client.Send(&pgproto3.BackendKeyData{ProcessID: 1 << 30, SecretKey: []byte("none")})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := client.Flush(); err != nil {
		return err
	}
	for {
		message, err := client.Receive()
		if err != nil {
			return err
		}
		server := <-p.servers
		err = transaction(client, server.Frontend, message)
		if err != nil { // perhaps amid a transaction, which ends with its connection
			_ = server.Conn.Close()
			server = p.connect(server)
		}
		p.servers <- server
		if err != nil {
			return err
		}
	}
}

// transaction goes on until the server says that none is open.
func transaction(client *pgproto3.Backend, server *pgproto3.Frontend, message pgproto3.FrontendMessage) error {
	for {
		if _, ends := message.(*pgproto3.Terminate); ends {
			return net.ErrClosed
		}
		server.Send(message)
		if asks(message) {
			status, err := answer(client, server)
			if err != nil || status == 'I' {
				return err
			}
		}
		var err error
		if message, err = client.Receive(); err != nil {
			return fmt.Errorf("in a transaction: %w", err)
		}
	}
}

// asks says that the server answers a message with all that it has to say.
func asks(message pgproto3.FrontendMessage) bool {
	switch message.(type) {
	case *pgproto3.Query, *pgproto3.Sync:
		return true
	}
	return false
}

func answer(client *pgproto3.Backend, server *pgproto3.Frontend) (status byte, err error) {
	if err := server.Flush(); err != nil {
		return 0, err
	}
	for {
		message, err := server.Receive()
		if err != nil {
			return 0, err
		}
		client.Send(message)
		if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus, client.Flush()
		}
	}
}

func (p *pooler) pool(t testing.TB, mode pgx.QueryExecMode) *pgxpool.Pool {
	return newPool(t, func(config *pgxpool.Config) {
		lead(config, p.listener.Addr())
		config.ConnConfig.DefaultQueryExecMode = mode
	})
}

func TestStoreThroughAPooler(t *testing.T) {
	t.Parallel()
	pool := newPooler(t).pool(t, pgx.QueryExecModeExec)
	storagetest.Run(t, func(t *testing.T, name string) storage.Store {
		s, err := postgres.OpenPool(t.Context(), pool, &postgres.Options{Schema: name, ListenDSN: server.DSN})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestPoolerIsNamedWhereItStandsInTheWay(t *testing.T) {
	t.Parallel()
	p := newPooler(t)
	s := openPool(t, p.pool(t, pgx.QueryExecModeExec), newName("pooler"))
	_, err := s.Changes(t.Context())
	wantError(t, err, postgres.ErrPooler)

	prepares, err := postgres.OpenPool(t.Context(), p.pool(t, pgx.QueryExecModeCacheStatement), &postgres.Options{Schema: newName("pooler")})
	for range 5 {
		if err == nil {
			_, err = prepares.Get(t.Context(), "a")
		}
	}
	wantError(t, err, postgres.ErrPooler)
}

// TestStatementsCanBeSentInEachWay is about what a pool may be configured for,
// beside what the other tests use.
func TestStatementsCanBeSentInEachWay(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) { config.ConnConfig.DefaultQueryExecMode = mode })
			s := openPool(t, pool, newName("mode's \"name\""))
			binary := "\x00\xff'\\ -- $1 /*"
			for range 2 {
				commit(t, s, put("a'b--$1", binary))
				wantValue(t, s, "a'b--$1", binary)
				found, err := s.List(t.Context(), "a'b--", "", 10)
				if err != nil || len(found) != 1 || string(found[0].Value) != binary {
					t.Errorf("List: %d entries, %v", len(found), err)
				}
				conflict := storage.Batch{Checks: []storage.Check{{Key: "a'b--$1"}}, Deletes: []string{"a'b--$1"}}
				wantError(t, s.Commit(t.Context(), conflict), storage.ErrConflict)
				commit(t, s, storage.Batch{Checks: []storage.Check{{Key: "absent"}}, Deletes: []string{"a'b--$1"}})
				wantValue(t, s, "a'b--$1", "absent")
			}
			if _, err := s.Changes(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
