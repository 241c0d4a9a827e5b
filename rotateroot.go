package secrets

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// currentRoot returns the root that wraps, and opens, now.
func (c *Client) currentRoot() crypto.Root {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.root
}

// RotateRoot wraps the keysets of all organizations with newRoot, in the place
// of the root that the Client has. Nothing else is touched: apps notice nothing,
// and everybody may go on reading and writing meanwhile. From its beginning on
// the Client wraps with newRoot and opens with both. Of [crypto.Roots], the
// primary one is meant.
//
// Every other process that opens organizations must have both roots before it
// begins: start them with crypto.Roots(newRoot, old), or with
// crypto.Roots(old, newRoot) if not all can be started at once. Once they all
// have newRoot for the primary one, call it again if any had not, and destroy the
// old root when [Client.RootUsage] says that no organization needs another than
// newRoot. From then on backups of before are of no use to anybody who has only
// roots.
//
// It may be called by several processes at once, and an interrupted call is
// finished by repeating it. An organization that neither root opens is left as
// it is; all others are done then, and the error, which names it, is
// [ErrWrongRoot], or [ErrTampered] if it is no root's fault. If a root cannot be
// asked, or will not wrap, the call ends with [crypto.ErrRootUnavailable].
// [ErrConflict] says that others go on wrapping with another root.
func (c *Client) RotateRoot(ctx context.Context, newRoot crypto.Root, opts *RotateOptions) error {
	return c.fail("rotate root", "", c.rotateRoot(ctx, newRoot, opts.progress()))
}

func (c *Client) rotateRoot(ctx context.Context, root crypto.Root, p *progress) error {
	if root = crypto.PrimaryRoot(root); root == nil {
		return errNoRoot
	}
	if err := tryNewRoot(ctx, root); err != nil {
		return err
	}
	r := &rootRotation{client: c, root: root, old: c.replaceRoot(root), progress: p}
	if p.report != nil {
		total, err := c.countOrganizations(ctx)
		if err != nil {
			return err
		}
		p.begin(total)
	}
	for range maxPasses {
		if err := r.all(ctx); err != nil {
			return unsettled(r.begun, err)
		}
		if r.found {
			continue // others may have wrapped some with the old root meanwhile
		}
		if err := r.skipped.err(); err != nil {
			return err
		}
		p.end()
		return nil
	}
	return ErrConflict
}

// tryNewRoot returns an error unless a root wraps, and opens what it has wrapped:
// a Client that took on another could create nothing any more.
func tryNewRoot(ctx context.Context, root crypto.Root) error {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return err
	}
	nobody := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "rotation"}
	wrapped, err := keyset.Wrap(ctx, root, nobody)
	if err != nil {
		return err
	}
	_, err = crypto.UnwrapKeyset(ctx, root, wrapped, nobody)
	return err
}

// replaceRoot makes root the one that wraps, and returns what was there before.
func (c *Client) replaceRoot(root crypto.Root) (old crypto.Root) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old = c.root
	if !sameRoot(crypto.PrimaryRoot(old), root) { // a call that is repeated adds nothing
		c.root = crypto.Roots(root, old)
	}
	return old
}

// sameRoot reports whether two roots are known to be the same one.
func sameRoot(a, b crypto.Root) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

func (c *Client) countOrganizations(ctx context.Context) (n int, err error) {
	err = each(ctx, c.store, organizationsPrefix, func(Name, storage.Entry) error { n++; return nil })
	return n, err
}

// A rootRotation wraps organizations with a root.
type rootRotation struct {
	client    *Client
	root, old crypto.Root
	progress  *progress
	begun     bool // something was, or may have been, written

	// In one pass:
	found   bool // an organization that was to be wrapped
	skipped skips
}

// all goes once through all organizations, in whatever state they are: also the
// deletion of one needs a root that opens it.
func (r *rootRotation) all(ctx context.Context) error {
	r.found, r.skipped = false, skips{}
	return each(ctx, r.client.store, organizationsPrefix, func(name Name, _ storage.Entry) error {
		err := retry(ctx, func() error { return r.one(ctx, name) })
		if err := r.skipped.past(string(name), err); err != nil {
			return inOrganization(name, err)
		}
		r.progress.add(1)
		return nil
	})
}

// one wraps an organization's keyset, unless the new root opens it already.
func (r *rootRotation) one(ctx context.Context, name Name) error {
	entry, _, err := r.client.readOrganization(ctx, name)
	if err != nil || entry.Version == 0 {
		return err
	}
	_, _, err = openKeyset(ctx, r.root, name, entry)
	if !errors.Is(err, ErrWrongRoot) {
		return err
	}
	keyset, record, err := openKeyset(ctx, r.old, name, entry)
	if err != nil {
		return err
	}
	org := &Organization{client: r.client, name: name, id: record.ID, state: r.client.stateOf(organizationRef{name, record.ID})}
	if err := org.checkSerial(ctx, entry, record.Serial); err != nil {
		return err
	}
	err = org.putKeyset(ctx, r.root, entry, record, keyset)
	if err == nil || errors.Is(err, ErrUnknownOutcome) {
		r.begun, r.found = true, true
	}
	return err
}

// checkSerial returns ErrTampered if this process has seen a newer keyset than the
// one that was read. Wrapped anew, that would count as newer still: what was put
// back would pass for what is.
func (o *Organization) checkSerial(ctx context.Context, entry storage.Entry, serial uint64) error {
	if serial >= o.state.floors.known(entry.Key)[0] {
		return nil
	}
	now, _, err := o.client.readOrganization(ctx, o.name)
	switch {
	case err != nil:
		return err
	case now.Version != entry.Version:
		return errAgain // the newer one was written after the read
	}
	return ErrTampered
}

// RootUsage is how many organizations a root opens: see [Client.RootUsage].
type RootUsage struct {
	Organizations int // all that there are, those too that are being deleted
	Others        int // of them, those that the root alone does not open
}

// RootUsage asks a root to open all organizations, and counts those that it does
// not open: they need another. Of [crypto.Roots], the primary one is meant. If
// there is none, and no process is left that wraps with another root, the others
// may be destroyed. If the root cannot be asked it gives
// [crypto.ErrRootUnavailable]; an outage that cannot be told from a wrong root
// counts as one.
func (c *Client) RootUsage(ctx context.Context, root crypto.Root) (RootUsage, error) {
	usage, err := c.rootUsage(ctx, crypto.PrimaryRoot(root))
	return usage, c.fail("root usage", "", err)
}

func (c *Client) rootUsage(ctx context.Context, root crypto.Root) (usage RootUsage, err error) {
	if root == nil {
		return RootUsage{}, errNoRoot
	}
	err = each(ctx, c.store, organizationsPrefix, func(name Name, e storage.Entry) error {
		opens, err := opensOrganization(ctx, root, name, e)
		if err != nil {
			return inOrganization(name, err)
		}
		if usage.Organizations++; !opens {
			usage.Others++
		}
		return nil
	})
	if err != nil {
		return RootUsage{}, err
	}
	return usage, nil
}

func opensOrganization(ctx context.Context, root crypto.Root, name Name, entry storage.Entry) (bool, error) {
	_, _, err := openKeyset(ctx, root, name, entry)
	if errors.Is(err, ErrWrongRoot) || errors.Is(err, ErrTampered) {
		return false, nil
	}
	return err == nil, err
}

// inOrganization says which of several organizations an error is about.
func inOrganization(name Name, err error) error { return fmt.Errorf("organization %q: %w", name, err) }
