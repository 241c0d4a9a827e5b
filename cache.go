package secrets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// CacheOptions say where an app keeps a copy of its own records, with which it
// can start while the store is away. See [ConnectCached].
type CacheOptions struct {
	// Path is the file, made with mode 0600 and replaced as a whole. Its folder
	// must exist.
	Path string

	// MaxStale is the age beyond which the copy is not used. It must be given.
	// Age is by the clocks of this machine: a copy that was written while the
	// clock was ahead, or is read after it was set back, can be used for that
	// much longer. One of more than 5 minutes to come is not used.
	MaxStale time.Duration

	// Timeout is how long the store is tried before it counts as away; 0 is 5
	// seconds.
	Timeout time.Duration

	// Logger is told when the copy is used or cannot be written. Nil is
	// [slog.Default], since nobody should run on old values unawares.
	Logger *slog.Logger

	// Now is the clock, also for the token's expiry; nil is [time.Now].
	Now func() time.Time
}

// ConnectCached is [Connect] for an app that has to start also while the store
// cannot be reached: it then uses the copy of the service's records, as they were
// read last, if that is not older than MaxStale. The copy holds what the store
// holds, ciphertext, and is sealed under the service's key: it takes the token to
// open it.
//
// A session on the copy tries the store first each time, and goes back to it by
// itself. [Environment.StaleSince] says that, and since when, an environment is of
// the copy; the logger is told too. The copy is never used if the store answers,
// whatever it says. The file is removed at once when access is lost: by
// [ErrUnauthenticated], by [io/fs.ErrPermission] of a store that does not admit
// the app, and by a token that has expired, also while the store is away.
//
// What opens only while its database answers goes behind [storage.Lazy]: a store
// of package postgres, and a client of etcd that has a password.
func ConnectCached(ctx context.Context, store storage.Store, token Token, opts CacheOptions) (*Session, error) {
	s, err := newSession(store, token)
	if err != nil {
		return nil, err
	}
	if s.cache, err = newCache(opts); err != nil {
		return nil, s.fail("connect", err)
	}
	_, err = s.environment(ctx, nil)
	if err != nil {
		return nil, s.fail("connect", err)
	}
	return s, nil
}

// A cache is a session's file.
type cache struct {
	CacheOptions

	mu    sync.Mutex
	reads uint64            // begun so far
	news  uint64            // the read that has told most recently what there is, or that access was lost
	lost  bool              // it told that
	saved map[string]uint64 // versions of what the file holds
	at    time.Time         // of what it holds
}

// begin returns the number of a read: one that is overtaken by a later one has
// no say any more.
func (c *cache) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	return c.reads
}

func newCache(opts CacheOptions) (*cache, error) {
	if opts.Path == "" || opts.MaxStale <= 0 {
		return nil, errors.New("a cache needs a path, and the age beyond which it is not used")
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 5 * time.Second
	}
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &cache{CacheOptions: opts}, nil
}

// A cacheFile is what the file holds, behind a frame without a tag.
type cacheFile struct {
	Token  []byte `cbor:"1,keyasint"` // the token's record, which opens the key of the rest
	Sealed []byte `cbor:"2,keyasint"` // a cacheContent
}

type cacheContent struct {
	At      instant      `cbor:"1,keyasint"`
	Entries []cacheEntry `cbor:"2,keyasint"` // sorted by key
}

type cacheEntry struct {
	_       struct{} `cbor:",toarray"`
	Key     string
	Value   []byte
	Version uint64
}

// cached reads the environment from the store, or from the file while the store
// is away.
func (s *Session) cached(ctx context.Context, seen map[string]uint64) (*Environment, error) {
	c, record := s.cache, &recorder{Store: s.store, entries: make(map[string]storage.Entry)}
	read := c.begin()
	trying, cancel := context.WithTimeout(ctx, c.timeout(ctx))
	defer cancel()
	env, err := s.read(trying, record, seen)
	switch away := errors.Is(err, ErrUnavailable) || trying.Err() != nil && ctx.Err() == nil; {
	case err == nil:
		c.save(s, read, record.entries)
		return env, nil
	case errors.Is(err, ErrUnauthenticated), !away && errors.Is(err, fs.ErrPermission):
		c.purge(read)
		return nil, err
	case !away:
		return nil, err
	}
	old, at, oldErr := c.load(ctx, s)
	if errors.Is(oldErr, errExpired) { // to know that takes no store
		c.purge(c.begin())
		return nil, oldErr
	}
	if oldErr != nil {
		return nil, fmt.Errorf("%w; and the cache cannot be used: %v", err, oldErr)
	}
	c.Logger.Warn("the store cannot be reached: using the cache",
		"organization", s.Organization(), "service", s.Service(), "age", c.Now().Sub(at))
	old.stale = at
	return old, nil
}

// timeout leaves half of what time there is for the file.
func (c *cache) timeout(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return c.Timeout
	}
	return min(c.Timeout, time.Until(end)/2)
}

// save writes the file, if it does not hold just this already.
func (c *cache) save(s *Session, read uint64, entries map[string]storage.Entry) {
	versions := make(map[string]uint64, len(entries))
	for key, e := range entries {
		versions[key] = e.Version
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if read < c.news {
		return
	}
	c.news, c.lost = read, false
	now := c.Now()
	if maps.Equal(versions, c.saved) && now.Sub(c.at) < c.MaxStale/4 {
		return
	}
	if err := c.write(s, entries, now); err != nil {
		c.Logger.Error("the cache was not written", "path", c.Path, "err", err)
		return
	}
	c.saved, c.at = versions, now
}

func (c *cache) write(s *Session, entries map[string]storage.Entry, now time.Time) error {
	content := cacheContent{At: instantOf(now)}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		e := entries[key]
		content.Entries = append(content.Entries, cacheEntry{Key: key, Value: e.Value, Version: e.Version})
	}
	opened, err := s.openRecord(entries[s.tokenKey()].Value)
	if err != nil {
		return err
	}
	sealed, err := opened.key.SealCache(encodeBody(content), s.cacheBinding(opened.record))
	if err != nil {
		return err
	}
	return replaceFile(c.Path, encode(cacheFile{Token: opened.value, Sealed: sealed}))
}

// load reads the environment from the file, by the same code as from a store.
func (c *cache) load(ctx context.Context, s *Session) (*Environment, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var file cacheFile
	data, err := readFile(c.Path)
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := decodeFile(data, &file); err != nil {
		return nil, time.Time{}, err
	}
	opened, err := s.openRecord(file.Token)
	if err != nil {
		return nil, time.Time{}, err
	}
	body, err := opened.key.OpenCache(file.Sealed, s.cacheBinding(opened.record))
	if err != nil {
		return nil, time.Time{}, err
	}
	var content cacheContent
	if err := decodeBody(body, &content); err != nil {
		return nil, time.Time{}, err
	}
	at := content.At.time()
	switch age := c.Now().Sub(at); {
	case age > c.MaxStale:
		return nil, at, fmt.Errorf("it is of %s, more than %s ago", at.Format(time.RFC3339), c.MaxStale)
	case age < -clockSkew:
		return nil, at, fmt.Errorf("it is of %s, which is yet to come", at.Format(time.RFC3339))
	case c.lost:
		return nil, at, errors.New("access was lost since")
	case content.At < instantOf(c.at):
		return nil, at, errors.New("it is older than what was read since")
	}
	env, err := s.read(ctx, content, nil)
	return env, at, err
}

// ages reports whether the file is worth being written again, though nothing has
// changed.
func (c *cache) ages() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Now().Sub(c.at) >= c.MaxStale/4
}

// clockSkew is how far another process's clock may be ahead.
const clockSkew = 5 * time.Minute

// purge removes the file, since the store has said that access was lost.
func (c *cache) purge(read uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if read < c.news {
		return
	}
	c.news, c.lost, c.saved = read, true, nil
	if info, err := os.Lstat(c.Path); err == nil && info.IsDir() {
		return // none of ours
	}
	if err := os.Remove(c.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Logger.Error("the cache was not removed", "path", c.Path, "err", err)
	}
}

func (s *Session) cacheBinding(r tokenRecord) crypto.CacheBinding {
	token := s.token.content()
	return crypto.CacheBinding{
		OrganizationID: r.OrganizationID, Organization: string(token.organization),
		ServiceID: r.ServiceID, Service: string(token.service), TokenID: token.id, KeyID: r.KeyID,
	}
}
