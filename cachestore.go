package secrets

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/internal/regular"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A records is what a reader reads from: a store, or the content of a cache.
type records interface {
	Get(ctx context.Context, keys ...string) ([]storage.Entry, error)
	List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error)
}

// A recorder keeps what was read last of each record.
type recorder struct {
	storage.Store
	entries map[string]storage.Entry
}

func (r *recorder) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	entries, err := r.Store.Get(ctx, keys...)
	for _, key := range keys {
		delete(r.entries, key)
	}
	r.keep(entries)
	return entries, err
}

func (r *recorder) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	entries, err := r.Store.List(ctx, prefix, after, limit)
	r.keep(entries)
	return entries, err
}

func (r *recorder) keep(entries []storage.Entry) {
	for _, e := range entries {
		r.entries[e.Key] = e
	}
}

// Get returns the entries under keys.
func (c cacheContent) Get(_ context.Context, keys ...string) (found []storage.Entry, _ error) {
	for _, key := range keys {
		if i, ok := slices.BinarySearchFunc(c.Entries, key, cacheEntry.compare); ok {
			found = append(found, c.Entries[i].entry())
		}
	}
	return found, nil
}

// List returns a page of the entries under prefix.
func (c cacheContent) List(_ context.Context, prefix, after string, limit int) (page []storage.Entry, _ error) {
	for _, e := range c.Entries {
		if strings.HasPrefix(e.Key, prefix) && e.Key > after && len(page) < limit {
			page = append(page, e.entry())
		}
	}
	return page, nil
}

func (e cacheEntry) compare(key string) int { return strings.Compare(e.Key, key) }

func (e cacheEntry) entry() storage.Entry {
	return storage.Entry{Key: e.Key, Value: e.Value, Version: e.Version}
}

// maxCache is more than 4,998 grants of the largest values take: 64 KiB each, and
// some 5 KiB for the rest of their records.
const maxCache = 512 << 20

// cacheHead is how each file begins: a frame without a tag, and a map of two
// from its first key on.
var cacheHead = []byte{recordFormat, 0, 0xa2, 0x01}

// readFile reads a regular file of a bounded size; of what is no cache, the
// beginning alone.
func readFile(path string) ([]byte, error) {
	f, info, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, len(cacheHead))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, cacheHead) || info.Size() > maxCache {
		return nil, ErrTampered
	}
	data := make([]byte, info.Size()) // at once: growing would take a multiple
	n := copy(data, head)
	_, err = io.ReadFull(f, data[n:])
	return data, err
}

// replaceFile puts data in the place of a file, as a whole: also if the machine
// loses its power there is either the old or the new one. Temporary files have
// mode 0600.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".secrets-cache-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
