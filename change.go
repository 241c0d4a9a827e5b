package secrets

import (
	"cmp"
	"context"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Change collects what is to become of several secrets: see
// [Organization.Change]. It is for the function that it is given to, and not safe
// for concurrent use. Its methods write nothing yet. They give an error for what
// can never be, and then the whole change fails with it.
type Change struct {
	org     *Organization
	writers writers
	steps   []step
	err     error // of the first step that can never be
}

// A step is what is to become of one secret: a value, or its removal.
type step struct {
	decide  decision
	creates bool
	remove  *removal
}

// maxChange is how many secrets fit a commit: each takes two records at least.
const maxChange = storage.MaxWrites / 2

// Change makes several changes in one commit: readers see all of them or none,
// such as a user together with the password. It calls do once, with a Change that
// collects them; if do returns an error, nothing is written and Change returns it.
//
// Where others write at the same time it tries again, as a single operation does.
// It gives the errors that the operations would give by themselves, with the
// secret's name, and then nothing is written; [ErrConflict] if a condition does
// not hold; [ErrExists] also for a secret that is named twice; and [ErrLimit] for
// more than 50 secrets, 1 MiB or 100 records. A value takes two records, a third
// if the version before it is kept, and one for each service that is granted it; a
// deletion two, one for each older version, and two for each service.
//
// To import many secrets, make changes of 50 from a few goroutines: while one waits
// for its commit another encrypts.
func (o *Organization) Change(ctx context.Context, do func(*Change) error) error {
	c := &Change{org: o}
	if err := cmp.Or(do(c), c.err); err != nil {
		return err
	}
	if len(c.steps) == 0 {
		return nil
	}
	return o.fail("change", "", "", retry(ctx, func() error { return c.attempt(ctx) }))
}

// CreateSecret is [Organization.CreateSecret] as a part of the change.
func (c *Change) CreateSecret(name Name, value Value) error {
	return c.add(name, checkValue(value), step{decide: create(value), creates: true})
}

// SetSecret is [Organization.SetSecret] as a part of the change.
func (c *Change) SetSecret(name Name, value Value) error {
	return c.add(name, checkValue(value), step{decide: set(value)})
}

// UpdateSecret is [Organization.UpdateSecret] as a part of the change.
func (c *Change) UpdateSecret(name Name, value Value, opts *UpdateOptions) error {
	return c.add(name, checkValue(value), step{decide: update(value, opts)})
}

// DeleteSecret is [Organization.DeleteSecret] as a part of the change. What does
// not open is not deleted so.
func (c *Change) DeleteSecret(name Name, opts *DeleteOptions) error {
	if opts == nil {
		opts = &DeleteOptions{}
	}
	return c.add(name, nil, step{remove: &removal{opts: opts}})
}

// add takes a step, unless it can never be.
func (c *Change) add(name Name, err error, s step) error {
	if bad := name.checkAs("secret"); bad != nil {
		err = bad
	} else if err == nil {
		err = c.room(name)
	}
	if err != nil {
		err = c.org.fail("change", "", name, err)
		c.err = cmp.Or(c.err, err)
		return err
	}
	w := c.org.writer(name)
	w.creates, w.rewrites = s.creates, s.decide != nil
	c.writers, c.steps = append(c.writers, w), append(c.steps, s)
	return nil
}

var errTwice = fmt.Errorf("%w in this change", ErrExists)

func (c *Change) room(name Name) error {
	if len(c.steps) == maxChange {
		return fmt.Errorf("%w: a change of more than %d secrets", ErrLimit, maxChange)
	}
	for _, w := range c.writers {
		if w.name == name {
			return errTwice
		}
	}
	return nil
}

// attempt commits the steps that are still to be done.
func (c *Change) attempt(ctx context.Context) error {
	v, secrets, err := c.writers.read(ctx)
	if err != nil {
		return err
	}
	done, err := c.landed(v, secrets)
	if done || err != nil {
		return err
	}
	b, sets, grantees := v.batch(), make([]bool, len(secrets)), []grantee(nil)
	for i, s := range secrets {
		one, err := c.step(ctx, v, s, i)
		if err != nil {
			return inSecret(s.name, err)
		}
		merge(&b, one)
		if sets[i] = c.steps[i].decide != nil && len(one.Puts) > 0; sets[i] {
			grantees = append(grantees, s.access.Grantees...)
		}
	}
	if len(b.Puts) == 0 {
		return nil
	}
	if err := v.bind(ctx, &b, grantees); err != nil {
		return err
	}
	err = v.commit(ctx, b)
	for i, w := range c.writers {
		if sets[i] {
			w.note(v, secrets[i], err)
		}
	}
	return err
}

// landed reports whether a commit whose outcome was lost has been applied: then
// any of the values that it set is there. It has not been if any of them is not,
// and the others may say that they cannot tell.
func (c *Change) landed(v *view, secrets []*secretView) (bool, error) {
	var unknown error
	known := false
	for i, w := range c.writers {
		if w.lost == nil {
			continue
		}
		_, done, err := w.landed(v, secrets[i])
		switch {
		case done:
			return true, nil
		case err != nil:
			unknown = err
		case w.lost == nil: // it never will
			for _, w := range c.writers {
				w.lost = nil
			}
			return false, nil
		default:
			known = true
		}
	}
	if known {
		return false, nil
	}
	return false, unknown
}

// step returns the batch of one step.
func (c *Change) step(ctx context.Context, v *view, s *secretView, i int) (b storage.Batch, err error) {
	same := v.batch(secretKey(c.org.name, s.name)) // writes nothing, but holds only if nobody else does
	if remove := c.steps[i].remove; remove != nil {
		gone, err := remove.decide(s)
		if gone || err != nil {
			return same, err
		}
		return c.remove(ctx, v, s)
	}
	value, keep, err := c.steps[i].decide(v, s)
	if keep || err != nil {
		return same, err
	}
	if s.unfinished() {
		return b, cmp.Or(c.org.cleanUp(ctx, v, s), error(errAgain))
	}
	r, err := v.newValue(s, value)
	if err != nil {
		return b, err
	}
	w := c.writers[i]
	next, _, err := w.seal(v, s, &r)
	if err != nil {
		return b, err
	}
	return w.flip(v, s, r, next)
}

// remove returns the batch that takes a secret and all access to it away.
func (c *Change) remove(ctx context.Context, v *view, s *secretView) (storage.Batch, error) {
	b, all, err := c.org.burial(ctx, v, s)
	if err == nil && !all {
		err = fmt.Errorf("%w: %d services are granted the secret; delete it by itself", ErrLimit, len(s.access.Grantees))
	}
	return b, err
}
