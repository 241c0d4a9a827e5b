package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// everybody is the payload that concerns all.
const everybody = ""

// A listener is the connection of Changes. It is not one of the pool's: it is
// kept as long as anybody waits, and the pool may have no other.
type listener struct{ conn *pgconn.PgConn }

// listen connects. Every commit that begins after it has returned is reported.
func (ws *watchers) listen(ctx context.Context) (*listener, error) {
	config, err := ws.config(ctx)
	if err != nil {
		return nil, err
	}
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { ws.signal(n.Payload) }
	conn, err := pgconn.ConnectConfig(ctx, &config.Config)
	if err != nil {
		return nil, err
	}
	l := &listener{conn}
	if err := l.subscribe(ctx, channel(ws.store.schema)); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// config is that of the pool's connections, with what the pool's owner does to
// each, such as fetching a password.
func (ws *watchers) config(ctx context.Context) (*pgx.ConnConfig, error) {
	if ws.direct != nil {
		return ws.direct.Copy(), nil
	}
	pool := ws.store.pool.Config()
	if pool.BeforeConnect == nil {
		return pool.ConnConfig, nil
	}
	return pool.ConnConfig, pool.BeforeConnect(ctx, pool.ConnConfig)
}

// subscribe also asks for the number of the server's process. A pooler gives
// its clients one of its own; behind it, this connection might not be the one
// that listens.
func (l *listener) subscribe(ctx context.Context, channel string) error {
	results, err := l.conn.Exec(ctx, "LISTEN "+channel+"; SELECT pg_backend_pid()").ReadAll()
	if err != nil {
		return err
	}
	if pid := strconv.FormatUint(uint64(l.conn.PID()), 10); string(results[1].Rows[0][0]) != pid {
		return ErrPooler
	}
	return nil
}

func (l *listener) close() {
	const patience = time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = l.conn.Close(ctx) // nothing can be lost here
}

// run signals until ctx ends, through one connection after the other. What
// was committed between two of them is not known, so everybody looks again.
func (ws *watchers) run(ctx context.Context, l *listener) {
	for l != nil {
		l.wait(ctx, ws.heartbeat)
		l.close()
		if l = ws.reconnect(ctx); l != nil {
			ws.signal(everybody)
		}
	}
}

// wait returns when ctx ends or the connection is lost. One that was cut off
// somewhere on the way looks like one where nothing happens, so it is tried.
func (l *listener) wait(ctx context.Context, heartbeat time.Duration) {
	for ctx.Err() == nil && !l.conn.IsClosed() {
		beat, cancel := context.WithTimeout(ctx, heartbeat)
		err := l.conn.WaitForNotification(beat)
		cancel()
		if err == nil {
			continue
		}
		ping, cancel := context.WithTimeout(ctx, heartbeat)
		err = l.conn.Ping(ping)
		cancel()
		if err != nil {
			return
		}
	}
}

// The waits between two attempts to connect double.
const (
	minPause = 20 * time.Millisecond
	maxPause = 5 * time.Second
)

// reconnect tries until it succeeds, or returns nil when ctx ends.
func (ws *watchers) reconnect(ctx context.Context) *listener {
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		if l := ws.tryListen(ctx); l != nil {
			return l
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
	return nil
}

// tryListen gives one attempt as long as a heartbeat: a server that is gone
// need not answer.
func (ws *watchers) tryListen(ctx context.Context) *listener {
	attempt, cancel := context.WithTimeout(ctx, ws.heartbeat)
	defer cancel()
	l, err := ws.listen(attempt)
	if err != nil {
		return nil
	}
	return l
}
