package postgres

import (
	"slices"
	"time"
)

// SetHeartbeat is for tests that do not want to wait for it.
func (o *Options) SetHeartbeat(d time.Duration) { o.heartbeat = d }

// AddMigrations adds to the migrations of this package.
func (o *Options) AddMigrations(sql ...string) { o.migrations = slices.Concat(migrations, sql) }

// SetPatience is for tests that do not want to wait for it.
func (o *Options) SetPatience(d time.Duration) { o.patience = d }

// MaxLocks is how many keys a batch locks one by one.
const MaxLocks = maxLocks

// Statements are those of reading, of which a plan is of interest.
func (s *Store) Statements() (get, list, listAll string) {
	return s.sql.get, s.sql.list, s.sql.listAll
}

// Channel is where the commits of a schema are notified.
func Channel(schema string) string { return channel(schema) }
