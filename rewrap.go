package secrets

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// rewrapSize is how many secrets fit a batch: three records each.
const rewrapSize = storage.MaxWrites / 3

// rewrap makes all grants of the service for the keys that its record asks for.
func (s *Service) rewrap(ctx context.Context, record serviceRecord) error {
	names, err := s.rowNames(ctx)
	if err != nil {
		return err
	}
	claims := claims{}
	return inBatches(names, rewrapSize, func(some []Name) error { return s.rewrapSome(ctx, claims, record, some) })
}

// rewrapSome rewraps the grants of some secrets in one batch, once no other
// writer's claim is on any of them. It returns errAgain if the service's record
// is another by now.
func (s *Service) rewrapSome(ctx context.Context, claims claims, record serviceRecord, names []Name) error {
	for {
		v, err := s.org.readSecrets(ctx, names, s.org.serviceKeys(s.name)...)
		if err != nil {
			return err
		}
		again, err := s.verify(v)
		if err != nil {
			return err
		}
		if again.Serial != record.Serial {
			return errAgain
		}
		b, blocked, err := s.rewrapBatch(v, claims, record, names)
		if err != nil {
			return err
		}
		if !blocked {
			if len(b.Puts) == 0 {
				return nil
			}
			return v.commit(ctx, b)
		}
		if err := pause(ctx, claimPoll); err != nil {
			return err
		}
	}
}

// rewrapBatch returns the batch that rewraps the grants of some secrets. It
// leaves out those that do not open, or are wrapped for keys that are not the
// service's: nothing more is put for either until they are granted anew.
func (s *Service) rewrapBatch(v *view, claims claims, record serviceRecord, names []Name) (b storage.Batch, blocked bool, err error) {
	b = v.batch(serviceKey(s.org.name, s.name))
	for _, name := range names {
		before := len(b.Puts)
		secret, err := v.secret(name)
		if err == nil {
			err = s.rewrapOne(v, record, secret, &b)
		}
		if len(b.Puts) > before && claims.blocked(v, secret, false) {
			blocked = true
		}
		if errors.Is(err, ErrTampered) {
			s.org.client.log.Warn("a grant does not open and is left as it is",
				"organization", s.org.name, "service", s.name, "secret", name)
			continue
		}
		if err != nil {
			return b, false, err
		}
	}
	return b, blocked, nil
}

// rewrapOne adds to b what makes one grant for the keys that record asks for.
func (s *Service) rewrapOne(v *view, record serviceRecord, secret *secretView, b *storage.Batch) error {
	i, listed := secret.grantee(s.name)
	want := record.grantKeys()
	if !listed || !secret.live() || slices.Equal(secret.access.Grantees[i].KeyIDs, want) {
		return nil
	}
	if _, err := v.granteeKeys(secret.access.Grantees[i]); err != nil {
		return err
	}
	current, err := v.unseal(secret)
	if err != nil {
		return err
	}
	defer current.wipe()
	grantees := slices.Clone(secret.access.Grantees)
	grantees[i].KeyIDs = want
	one, err := v.putGrant(secret, grantees, i, current)
	if err != nil {
		return err
	}
	merge(b, one)
	return nil
}
