package secrets

import (
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
	s, err := o.put(ctx, name, value, func(_ *view, s *secretView) (keep bool, err error) {
		if s.live() {
			return false, ErrExists
		}
		return false, nil
	})
	return s, o.fail("create secret", "", name, err)
}

// SetSecret creates a secret or gives it a new value. If it has that value
// already nothing changes, so that a pipeline may run twice. It gives the errors
// of [Organization.CreateSecret] but for ErrExists, and an [*EnvError] if a
// variable that the secret goes to cannot carry the value.
func (o *Organization) SetSecret(ctx context.Context, name Name, value Value) (Secret, error) {
	s, err := o.put(ctx, name, value, func(v *view, s *secretView) (keep bool, err error) {
		if !s.live() {
			return false, nil
		}
		current, err := v.unseal(s)
		if err != nil {
			return false, err
		}
		return current.value.Equal(value), nil
	})
	return s, o.fail("set secret", "", name, err)
}

// UpdateSecret gives a secret a new value and version, also if the value is the
// same. Every service that is granted it sees it from then on. It gives
// [ErrNotFound], the errors of [Organization.SetSecret], and [ErrConflict] if a
// condition of opts does not hold.
func (o *Organization) UpdateSecret(ctx context.Context, name Name, value Value, opts *UpdateOptions) (Secret, error) {
	if opts == nil {
		opts = &UpdateOptions{}
	}
	s, err := o.put(ctx, name, value, func(_ *view, s *secretView) (keep bool, err error) {
		if !s.live() {
			return false, errNoSecret
		}
		if opts.IfVersion != 0 && opts.IfVersion != s.record.Version {
			return false, fmt.Errorf("%w: it has version %d", ErrConflict, s.record.Version)
		}
		return false, s.checkID(opts.IfID)
	})
	return s, o.fail("update secret", "", name, err)
}

func (s *secretView) checkID(want string) error {
	if want != "" && want != s.record.ID.String() {
		return errOtherID
	}
	return nil
}

// put sets a value, unless decide says to keep what is there or fails.
func (o *Organization) put(ctx context.Context, name Name, value Value, decide func(*view, *secretView) (bool, error)) (Secret, error) {
	if err := name.checkAs("secret"); err != nil {
		return Secret{}, err
	}
	if err := checkValue(value); err != nil {
		return Secret{}, err
	}
	w := o.writer(name)
	w.rewrites = true
	var made Secret
	err := retry(ctx, func() error {
		v, s, err := w.read(ctx)
		if err != nil {
			return err
		}
		landed, ok, err := w.landed(v, s)
		if ok || err != nil {
			made = landed
			return err
		}
		keep, err := decide(v, s)
		if err != nil || keep {
			made = s.info()
			return err
		}
		if s.unfinished() {
			if err := o.cleanUp(ctx, v, s); err != nil {
				return err
			}
			return errAgain
		}
		if err := s.checkVariables(value); err != nil {
			return err
		}
		made, err = w.rewrite(ctx, v, s, o.newValue(s, value))
		return err
	})
	if err != nil {
		return Secret{}, err
	}
	return made, nil
}

// newValue is the rewrite that gives a secret a value, and creates it if need
// be. Versions go on counting from a tombstone.
func (o *Organization) newValue(s *secretView, value Value) rewrite {
	now := instantOf(o.client.now())
	r := rewrite{
		id: s.record.ID, number: s.record.Version + 1, value: value,
		grantees: s.access.Grantees, created: s.record.Created, updated: now,
	}
	if !s.live() {
		r.id, r.grantees, r.created = crypto.NewID(), nil, now
	}
	return r
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
		if err := checkEnvValue(g.Env, value); err != nil {
			return err
		}
	}
	return nil
}
