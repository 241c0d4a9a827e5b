package secrets

import (
	"cmp"
	"context"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// UpdateOptions are conditions of [Organization.UpdateSecret].
type UpdateOptions struct {
	IfID      string // only if the secret still has this ID; empty is any
	IfVersion uint64 // only if it still has this version; 0 is any
}

// CreateSecret creates a secret that no service is granted yet. It gives
// [ErrExists] if there is one of that name, [ErrValueEmpty] or
// [ErrValueTooLarge]. If the name was deleted before, versions go on counting.
func (o *Organization) CreateSecret(ctx context.Context, name Name, value Value) (Secret, error) {
	w := o.writer(name)
	w.creates = true
	s, err := w.putValue(ctx, value, create(value))
	return s, o.fail("create secret", "", name, err)
}

// SetSecret creates a secret or gives it a new value. If it has that value
// already nothing changes, so that a pipeline may run twice. It gives the errors
// of [Organization.CreateSecret] but for ErrExists, and an [*EnvError] if a
// variable that the secret goes to cannot carry the value.
func (o *Organization) SetSecret(ctx context.Context, name Name, value Value) (Secret, error) {
	s, err := o.writer(name).putValue(ctx, value, set(value))
	return s, o.fail("set secret", "", name, err)
}

// UpdateSecret gives a secret a new value and version, also if the value is the
// same. Every service that is granted it sees it from then on. It gives
// [ErrNotFound], the errors of [Organization.SetSecret], and [ErrConflict] if a
// condition of opts does not hold.
func (o *Organization) UpdateSecret(ctx context.Context, name Name, value Value, opts *UpdateOptions) (Secret, error) {
	s, err := o.writer(name).putValue(ctx, value, update(value, opts))
	return s, o.fail("update secret", "", name, err)
}

// A decision says which value a secret is to have, or that it keeps the one that
// it has.
type decision func(*view, *secretView) (value Value, keep bool, err error)

func create(value Value) decision {
	return func(_ *view, s *secretView) (Value, bool, error) {
		if s.live() {
			return value, false, ErrExists
		}
		return value, false, nil
	}
}

func set(value Value) decision {
	return func(v *view, s *secretView) (Value, bool, error) {
		if !s.live() {
			return value, false, nil
		}
		current, err := v.unseal(s)
		if err != nil {
			return value, false, err
		}
		defer current.wipe()
		return value, equal(value.Reveal(), current.plaintext), nil
	}
}

func update(value Value, opts *UpdateOptions) decision {
	return func(_ *view, s *secretView) (Value, bool, error) { return value, false, s.checkUpdate(opts) }
}

// checkUpdate returns an error if there is nothing to update, or a condition does
// not hold.
func (s *secretView) checkUpdate(opts *UpdateOptions) error {
	switch {
	case !s.live():
		return errNoSecret
	case opts == nil:
		return nil
	case opts.IfVersion != 0 && opts.IfVersion != s.record.Version:
		return fmt.Errorf("%w: it has version %d", ErrConflict, s.record.Version)
	}
	return s.checkID(opts.IfID)
}

func (s *secretView) checkID(want string) error {
	if want != "" && want != s.record.ID.String() {
		return errOtherID
	}
	return nil
}

// putValue is put for a value that the caller gives.
func (w *writer) putValue(ctx context.Context, value Value, decide decision) (Secret, error) {
	if err := cmp.Or(w.name.checkAs("secret"), checkValue(value)); err != nil {
		return Secret{}, err
	}
	return w.put(ctx, decide)
}

// put sets the value that decide says. What that needs is read with the secret,
// whose name was checked, under more.
func (w *writer) put(ctx context.Context, decide decision, more ...string) (Secret, error) {
	w.rewrites = true
	var made Secret
	err := retry(ctx, func() error {
		v, s, err := w.read(ctx, more...)
		if err != nil {
			return err
		}
		landed, ok, err := w.landed(v, s)
		if ok || err != nil {
			made = landed
			return err
		}
		value, keep, err := decide(v, s)
		if err != nil || keep {
			made = s.info()
			return err
		}
		if s.unfinished() {
			if err := w.org.cleanUp(ctx, v, s); err != nil {
				return err
			}
			return errAgain
		}
		r, err := v.newValue(s, value)
		if err != nil {
			return err
		}
		made, err = w.rewrite(ctx, v, s, r)
		return err
	})
	if err != nil {
		return Secret{}, err
	}
	return made, nil
}

// newValue is the rewrite that gives a secret a value, and creates it if need
// be. Versions go on counting from a tombstone.
func (v *view) newValue(s *secretView, value Value) (rewrite, error) {
	now := instantOf(v.org.client.now())
	if !s.live() {
		return rewrite{
			record:    secretRecord{ID: crypto.NewID(), Version: s.record.Version + 1, Created: now, Updated: now},
			plaintext: value.RevealBytes(),
		}, nil
	}
	if err := s.checkVariables(value); err != nil {
		return rewrite{}, err
	}
	r := rewrite{record: s.record, grantees: s.access.Grantees}
	r.record.Version, r.record.Updated = s.record.Version+1, now
	if err := v.archive(s, &r); err != nil {
		return rewrite{}, err
	}
	r.plaintext = value.RevealBytes()
	return r, nil
}

func checkValue(value Value) error {
	if value.IsZero() {
		return ErrValueEmpty
	}
	if value.Reveal() == Redacted {
		return errRedacted
	}
	if n := value.Len(); n > MaxValue {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrValueTooLarge, n, MaxValue)
	}
	return nil
}

// checkVariables returns an error if a variable that the secret goes to cannot
// carry value.
func (s *secretView) checkVariables(value Value) error {
	for _, g := range s.access.Grantees {
		if err := checkEnvValue(g.Env, value.Reveal()); err != nil {
			return err
		}
	}
	return nil
}
