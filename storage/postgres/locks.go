package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// sqlLock takes locks in the order given, until the end of the transaction. A
// key has one whether or not there is a row: a check that there is none needs
// it too.
//
// For this transaction it also sets what the next statement and the commit
// need. The server may have been told not to wait for the disk. Planning
// sqlApply takes as long as all the rest and never comes to anything else than
// the index, so that is done once for each connection.
const sqlLock = `SELECT
	count((CASE WHEN exclusive THEN pg_advisory_xact_lock(id) ELSE pg_advisory_xact_lock_shared(id) END)::text),
	(SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'),
	set_config('plan_cache_mode', 'force_generic_plan', true),
	set_config('enable_seqscan', 'off', true)
FROM unnest($1::bigint[], $2::boolean[]) AS l (id, exclusive)`

// maxLocks is how many keys a batch may lock one by one. The server keeps a
// table of locks for all its sessions, with room for 64 each by default. A
// batch with more keys locks the store instead.
const maxLocks = 32

// lockID names a lock of the server, which knows numbers only: that of a key
// or, with the empty key, that of the store. Two keys with one number merely
// wait for each other.
func lockID(schema, key string) int64 {
	sum := sha256.Sum256([]byte("secrets lock\x00" + schema + "\x00" + key))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// locks returns what a batch has to hold: the store's lock, shared, and then
// those of its keys, exclusively if they are written, in the order in which
// everybody takes them, so that nobody waits in a circle.
func locks(schema string, batch storage.Batch) (ids []int64, exclusive []bool) {
	store := lockID(schema, "")
	keys := keyLocks(schema, batch)
	if len(keys) > maxLocks {
		return []int64{store}, []bool{true}
	}
	for id := range keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		exclusive = append(exclusive, keys[id])
	}
	return slices.Insert(ids, 0, store), slices.Insert(exclusive, 0, false)
}

// keyLocks says of each lock whether it must be exclusive.
func keyLocks(schema string, batch storage.Batch) map[int64]bool {
	keys := map[int64]bool{}
	for _, check := range batch.Checks {
		keys[lockID(schema, check.Key)] = false
	}
	for _, key := range written(batch) {
		keys[lockID(schema, key)] = true
	}
	return keys
}

// written returns the keys that a batch puts or deletes.
func written(batch storage.Batch) []string {
	keys := slices.Clone(batch.Deletes)
	for _, put := range batch.Puts {
		keys = append(keys, put.Key)
	}
	return keys
}
