package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are the optional parameters of [Open] and [OpenPool]. The zero value
// is what most programs want.
type Options struct {
	// Schema is where the table is. It is created if there is none. Stores
	// with different schemas share nothing. At most 63 bytes, as PostgreSQL
	// has it; "" stands for "secrets".
	Schema string

	// ListenDSN is a connection string of the server itself, for Changes
	// alone. It is needed only if the other connections go through a pooler.
	ListenDSN string

	// heartbeat is how often the connection of Changes is tried when nothing
	// comes from it; tests do not want to wait for it.
	heartbeat time.Duration

	// migrations are those of this package; tests add to them.
	migrations []string

	// patience is how long Purge waits for others.
	patience time.Duration
}

const (
	defaultSchema    = "secrets"
	defaultHeartbeat = 30 * time.Second

	maxIdentifier = 63 // PostgreSQL would cut longer names off, and two of them might meet
)

func (o *Options) orDefault() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Schema == "" {
		opts.Schema = defaultSchema
	}
	if opts.heartbeat == 0 {
		opts.heartbeat = defaultHeartbeat
	}
	if opts.migrations == nil {
		opts.migrations = migrations
	}
	if opts.patience == 0 {
		opts.patience = defaultPatience
	}
	if len(opts.Schema) > maxIdentifier {
		return Options{}, fmt.Errorf("name of the schema of %d bytes, at most %d", len(opts.Schema), maxIdentifier)
	}
	if strings.ContainsRune(opts.Schema, 0) {
		return Options{}, errors.New("NUL in the name of the schema")
	}
	return opts, nil
}

// Open opens the store in the database that dsn names, a URL or a list of
// key=value as [pgxpool.ParseConfig] reads them, and creates its table if
// there is none. Of several servers it takes the primary one, unless dsn has a
// target_session_attrs of its own. Close closes the connections.
//
// opts may be nil. Open fails with [ErrForeign], [ErrNewer] or [ErrStandby],
// with [io/fs.ErrPermission] if the role may not log in, not read the table or
// not create it, or with [storage.ErrUnavailable]: [storage.Lazy] is for an app
// that starts all the same. A dsn that cannot be parsed, or that names a database
// that does not exist, gives an error of no type.
func Open(ctx context.Context, dsn string, opts *Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errDSN // the cause quotes parts of it
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = refuseStandby
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, errDSN
	}
	s, err := OpenPool(ctx, pool, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.owned = true
	return s, nil
}

// refuseStandby is what target_session_attrs=primary does, with an error that
// can be told from others.
func refuseStandby(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, "SELECT pg_is_in_recovery()").ReadAll()
	if err != nil {
		return err
	}
	if string(results[0].Rows[0][0]) != "f" {
		return ErrStandby
	}
	return nil
}

// OpenPool is [Open] with connections that the caller has, and closes when the
// Store is closed. They must lead to the primary server; how statements are
// sent is up to the pool's configuration.
func OpenPool(ctx context.Context, pool *pgxpool.Pool, opts *Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := opts.orDefault()
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s := newStore(pool, o)
	if o.ListenDSN != "" {
		direct, err := pgx.ParseConfig(o.ListenDSN)
		if err != nil {
			return nil, errDSN
		}
		s.watchers.direct = direct
	}
	if err := s.prepare(ctx); err != nil {
		err = s.fail(ctx, err, false)
		_ = s.Close()
		return nil, err
	}
	return s, nil
}
