package secrets

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Revoke takes a secret from the service, from one commit on. Its value gets a
// new version key for those who stay, so that what the service may have kept,
// or put back into the database, opens nothing that is stored afterwards. It is
// declarative, as Grant is: a secret that is not granted is no error. It gives
// [ErrNotFound] if there is no such secret or service.
func (s *Service) Revoke(ctx context.Context, secret Name) error {
	if err := secret.checkAs("secret"); err != nil {
		return s.fail("revoke", "", err)
	}
	return s.fail("revoke", secret, s.revoke(ctx, secret))
}

func (s *Service) revoke(ctx context.Context, secret Name) error {
	w := s.org.writer(secret)
	w.rewrites = true
	return retry(ctx, func() error {
		o := s.org
		v, view, err := w.read(ctx, append(o.serviceKeys(s.name), rowKey(o.name, s.name, secret))...)
		if err != nil {
			return err
		}
		record, err := v.service(s.name)
		switch {
		case err != nil:
			return err
		case record.ID != s.id:
			return errNoService
		case view.unfinished():
			return errors.Join(o.cleanUp(ctx, v, view), errNoSecret)
		case !view.live():
			return errNoSecret
		case !w.same(view):
			return nil // the one that was to be revoked is gone
		}
		i, listed := view.grantee(s.name)
		if !listed {
			return s.dropRow(ctx, v, view)
		}
		current, err := v.unseal(view)
		if err != nil {
			return err
		}
		defer current.wipe()
		stay, lose := v.standing(view, slices.Delete(slices.Clone(view.access.Grantees), i, i+1))
		const fit = 45 // beside the rest of a batch; rows that are left grant nothing
		lose = append(lose[:min(fit, len(lose))], view.access.Grantees[i])
		r := rewrite{record: view.record, plaintext: current.plaintext, grantees: stay}
		for _, g := range lose {
			r.deletes = append(r.deletes, o.grantKeys(secret, g)...)
		}
		_, err = w.rewrite(ctx, v, view, r)
		return err
	})
}

// dropRow removes a row that no grant stands behind, if there is one. It writes
// in any case, so that a grant that was sent before, and whose outcome is not
// known, cannot land afterwards.
func (s *Service) dropRow(ctx context.Context, v *view, secret *secretView) error {
	key, record := secretKey(s.org.name, secret.name), secret.record
	record.Claim = crypto.ID{}
	value, err := v.encode(typeSecret, record, secret.name)
	if err != nil {
		return err
	}
	b := v.batch(key)
	b.Puts = []storage.Put{{Key: key, Value: value}}
	b.Deletes = []string{rowKey(s.org.name, s.name, secret.name)}
	return v.commit(ctx, b)
}
