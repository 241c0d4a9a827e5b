package secrets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Client is the administrator's door: it holds the root key, and through it
// every organization of the store. It is safe for concurrent use and has
// nothing to close; the store is closed by whoever opened it.
type Client struct {
	store storage.Store
	log   *slog.Logger
	now   func() time.Time
	allow []string

	versions int // kept of a secret

	mu            sync.Mutex
	root          crypto.Root // see currentRoot
	organizations map[organizationRef]*organizationState
}

// Options are the optional parts of [Open].
type Options struct {
	// Logger is told what an operator may want to know, such as a record that
	// does not open, or that the work of a writer that stopped was taken over:
	// names and ids only, never a value or a key. Nil logs nothing.
	Logger *slog.Logger

	// Now gives the times that records carry. Nil is [time.Now].
	Now func() time.Time

	// AllowEnv names environment variables that [CheckEnv] would refuse in a
	// grant.
	AllowEnv []string

	// Versions is how many versions of a secret are kept when it is updated, the
	// new one among them: 1 keeps no older value. 0 is 10; at most 64.
	Versions int
}

// Open returns a Client of the secrets in store. It asks neither the store nor
// the root for anything: a wrong root is found out when an organization is
// opened. A nil store or root is an error, and so is what cannot be a variable in
// AllowEnv; a number that Versions cannot be is [ErrLimit]. The store may be
// shared with other Clients and Sessions, in this process and in others.
func Open(store storage.Store, root crypto.Root, opts *Options) (*Client, error) {
	if store == nil {
		return nil, &Error{Op: "open", Err: errNoStore}
	}
	if root == nil {
		return nil, &Error{Op: "open", Err: errNoRoot}
	}
	if opts == nil {
		opts = &Options{}
	}
	for _, env := range opts.AllowEnv {
		if err := checkEnvSyntax(env); err != nil {
			return nil, &Error{Op: "open", Err: fmt.Errorf("AllowEnv: %w", err)}
		}
	}
	if opts.Versions < 0 || opts.Versions > maxVersions {
		return nil, &Error{Op: "open", Err: fmt.Errorf("%w: Versions is %d, and may be 0 to %d", ErrLimit, opts.Versions, maxVersions)}
	}
	c := &Client{
		store: storage.Limit(store), root: root, log: opts.Logger, now: opts.Now, allow: slices.Clone(opts.AllowEnv),
		versions:      cmp.Or(opts.Versions, defaultVersions),
		organizations: make(map[organizationRef]*organizationState),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// clock is what counters go on from if nobody knows how far they had come. It
// counts milliseconds, and nobody has done more operations than one in each.
func (c *Client) clock() uint64 { return uint64(max(0, c.now().UnixMilli())) }

// A Secret is what may be known of a secret without its value.
type Secret struct {
	Name      Name
	ID        string // never reused: a secret deleted and created again has another
	Version   uint64 // of the value, from 1; goes on counting when a name is created again
	CreatedAt time.Time
	UpdatedAt time.Time // when the value was last set
}

// ListOptions choose what a listing yields. The zero value is everything.
type ListOptions struct {
	Prefix string // only names that begin with it: the first letters of a Name
	After  Name   // only names behind it, in byte order
	Limit  int    // at most so many; 0 or less is no limit
}

func (opts *ListOptions) check() error {
	if opts.Prefix != "" {
		if err := Name(opts.Prefix[:min(len(opts.Prefix), maxName)] + "x").check(); err != nil {
			return fmt.Errorf("prefix: %w", err)
		}
	}
	if opts.After == "" {
		return nil
	}
	return opts.After.checkAs("after")
}

// listPage keeps a page of the largest secrets within some megabytes.
const listPage = 128

// list yields the entries under prefix as opts say, a page at a time, with the
// name that is the last part of the key. The name is empty if that is no valid
// one: then somebody else has written the entry.
func list(ctx context.Context, store records, prefix string, opts *ListOptions) iter.Seq2[Name, result] {
	if opts == nil {
		opts = &ListOptions{}
	}
	return func(yield func(Name, result) bool) {
		if err := opts.check(); err != nil {
			yield("", result{err: err})
			return
		}
		after := ""
		if opts.After != "" {
			after = prefix + string(opts.After)
		}
		n := 0
		skip := func() { n-- }
		for {
			page, err := store.List(ctx, prefix+opts.Prefix, after, listPage)
			if err != nil {
				yield("", result{err: err})
				return
			}
			for _, e := range page {
				more := yield(valid(Name(strings.TrimPrefix(e.Key, prefix))), result{entry: e, skip: skip})
				if n++; !more || opts.Limit > 0 && n == opts.Limit {
					return
				}
				after = e.Key
			}
			if len(page) < listPage {
				return
			}
		}
	}
}

// each calls do for the entries under prefix, until that gives an error. It goes
// past those that somebody else has put there: nobody reads them.
func each(ctx context.Context, store records, prefix string, do func(Name, storage.Entry) error) error {
	for name, r := range list(ctx, store, prefix, nil) {
		if r.err != nil {
			return r.err
		}
		if name == "" {
			continue
		}
		if err := do(name, r.entry); err != nil {
			return err
		}
	}
	return nil
}

// endsListing reports whether an error is about more than one entry.
func endsListing(err error) bool { return err != nil && !errors.Is(err, ErrTampered) }

// result is an entry of a listing; skip says that it does not count.
type result struct {
	entry storage.Entry
	skip  func()
	err   error
}

// Secret returns what may be known of a secret without its value, or
// [ErrNotFound].
func (o *Organization) Secret(ctx context.Context, name Name) (Secret, error) {
	_, s, err := o.readLive(ctx, name)
	if err != nil {
		return Secret{}, o.fail("get", "", name, err)
	}
	return s.info(), nil
}

// RevealSecret returns the value of a secret, or [ErrNotFound].
func (o *Organization) RevealSecret(ctx context.Context, name Name) (Value, error) {
	v, s, err := o.readLive(ctx, name)
	if err != nil {
		return Value{}, o.fail("reveal", "", name, err)
	}
	current, err := v.unseal(s)
	if err != nil {
		return Value{}, o.fail("reveal", "", name, err)
	}
	return current.take(), nil
}

// Secrets yields the secrets in byte order of their names, read in pages of
// constant memory; each page is an instant of its own. A record that does not
// open is yielded with its name and [ErrTampered], and the listing goes on; any
// other error ends it.
func (o *Organization) Secrets(ctx context.Context, opts *ListOptions) iter.Seq2[Secret, error] {
	return func(yield func(Secret, error) bool) {
		v, err := o.read(ctx)
		if err != nil {
			yield(Secret{}, o.fail("list secrets", "", "", err))
			return
		}
		for name, r := range list(ctx, o.client.store, secretPrefix(o.name), opts) {
			if r.err != nil {
				yield(Secret{}, o.fail("list secrets", "", "", r.err))
				return
			}
			var record secretRecord
			err := v.decodeListed(ctx, r.entry, typeSecret, name, &record)
			if err == errGone || err == nil && record.State == stateDeleted {
				r.skip()
				continue
			}
			s := secretView{name: name, record: record}
			if !yield(s.info(), o.fail("list secrets", "", name, err)) || endsListing(err) {
				return
			}
		}
	}
}

func (s *secretView) info() Secret {
	if s.record.ID.IsZero() {
		return Secret{Name: s.name}
	}
	return Secret{
		Name: s.name, ID: s.record.ID.String(), Version: s.record.Version,
		CreatedAt: s.record.Created.time(), UpdatedAt: s.record.Updated.time(),
	}
}

// readLive reads a secret that exists, and the records under more.
func (o *Organization) readLive(ctx context.Context, name Name, more ...string) (*view, *secretView, error) {
	if err := name.checkAs("secret"); err != nil {
		return nil, nil, err
	}
	v, s, err := o.readSecret(ctx, name, more...)
	if err == nil && !s.live() {
		err = errNoSecret
	}
	return v, s, err
}

// readSecret reads a secret, whether there is one or not, and the records under
// more.
func (o *Organization) readSecret(ctx context.Context, name Name, more ...string) (*view, *secretView, error) {
	v, err := o.readSecrets(ctx, []Name{name}, more...)
	if err != nil {
		return nil, nil, err
	}
	s, err := v.secret(name)
	return v, s, err
}
