package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Versioner = (*Store)(nil)
)

// A Store is an open table. Its methods may be called from several goroutines.
// Only [Open] and [OpenPool] make one: the zero Store must not be used.
type Store struct {
	schema   string
	sql      statements
	pool     *pgxpool.Pool
	owned    bool // the pool is to be closed
	watchers watchers
	patience time.Duration // of Purge

	migrations []string

	closing sync.Once
	mu      sync.RWMutex
	closed  bool
	calls   sync.WaitGroup
	life    context.Context // ends with Close
	endLife context.CancelFunc
}

// statements are those of one schema.
type statements struct{ get, list, listAll, check, apply string }

// A page is an interval of the index. Only the empty prefix has no end.
const (
	// sqlValue is a value, or nothing of one that is larger than an entry may be:
	// no Store has put that there, and a page of them would fill the memory.
	sqlValue = "CASE WHEN octet_length(value) <= 1048576 THEN value ELSE '' END"

	sqlGet     = "SELECT key, " + sqlValue + ", version FROM %[1]s.entries WHERE key = ANY ($1::text[])"
	sqlList    = "SELECT key, " + sqlValue + ", version FROM %[1]s.entries WHERE key > $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4"
	sqlListAll = "SELECT key, " + sqlValue + ", version FROM %[1]s.entries WHERE key > $1 ORDER BY key LIMIT $2"
)

func newStatements(schema string) statements {
	name := quoted(schema)
	literal := strings.ReplaceAll(name+".versions", "'", "''")
	return statements{
		get:     fmt.Sprintf(sqlGet, name),
		list:    fmt.Sprintf(sqlList, name),
		listAll: fmt.Sprintf(sqlListAll, name),
		check:   fmt.Sprintf(sqlCheck, name),
		apply:   fmt.Sprintf(sqlApply, name, literal),
	}
}

func newStore(pool *pgxpool.Pool, opts Options) *Store {
	s := &Store{
		schema: opts.Schema, sql: newStatements(opts.Schema), pool: pool, migrations: opts.migrations, patience: opts.patience,
	}
	s.life, s.endLife = context.WithCancel(context.Background())
	s.watchers.init(s, opts.heartbeat)
	return s
}

// Get implements [storage.Store], in one round trip.
func (s *Store) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := s.read(ctx, s.sql.get, append([]string{}, keys...))
	if err != nil {
		return nil, err
	}
	return inOrder(found, keys), nil
}

// inOrder returns the entries in the order asked, and those asked twice twice.
func inOrder(found []storage.Entry, keys []string) []storage.Entry {
	at := make(map[string]int, len(found))
	for i, e := range found {
		at[e.Key] = i
	}
	used := make([]bool, len(found))
	entries := make([]storage.Entry, 0, len(found))
	for _, key := range keys {
		i, ok := at[key]
		if !ok {
			continue
		}
		e := found[i]
		if used[i] {
			e.Value = bytes.Clone(e.Value)
		}
		used[i] = true
		entries = append(entries, e)
	}
	return entries
}

// List implements [storage.Store], in one round trip.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if prefix == "" {
		return s.read(ctx, s.sql.listAll, after, limit)
	}
	return s.read(ctx, s.sql.list, after, prefix, end(prefix), limit)
}

// end is greater than every key with the prefix, and nothing lies between. The
// last character of a prefix is at most '~'.
func end(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(rune(prefix[last]+1))
}

// read runs one statement, which is one instant.
func (s *Store) read(ctx context.Context, sql string, args ...any) ([]storage.Entry, error) {
	live, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := s.pool.Query(live, sql, args...)
	if err != nil {
		return nil, s.fail(ctx, err, false)
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, s.fail(ctx, err, false)
	}
	return entries, nil
}

// scanEntry copies what is in the connection's buffer.
func scanEntry(row pgx.CollectableRow) (e storage.Entry, err error) {
	err = row.Scan(&e.Key, &e.Value, &e.Version)
	return e, err
}

// begin counts a call, and returns a context that ends with it, with ctx and
// with the Store.
func (s *Store) begin(ctx context.Context) (live context.Context, end func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, nil, storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.calls.Add(1)
	live, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(s.life, cancel)
	return live, func() {
		forget()
		cancel()
		s.calls.Done()
	}, nil
}

// grace is how long a Commit whose context has ended waits for the answer that
// is on its way: nearly always the outcome is known before.
const grace = 100 * time.Millisecond

// linger returns a context that ends a moment after ctx.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() {
		forget()
		cancel()
	}
}

// Close implements [storage.Store]. Reads that are under way are ended, a
// Commit is given a moment. A pool that was given to [OpenPool] stays open.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.endLife()
		s.watchers.end()
		s.calls.Wait()
		if s.owned {
			s.pool.Close()
		}
	})
	return nil
}

// Format prints "postgres.Store", with every verb: package fmt would go through fields that
// calls change meanwhile.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "postgres.Store") }
