package secrets

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// RevokeToken makes a token worthless, also to somebody who kept copies of the
// database: the service gets a new key, which its other tokens are given and
// its grants are made for, and the old one opens nothing that is stored after
// RevokeToken has returned. Apps with other tokens notice nothing. It gives
// [ErrNotFound] if there is no such token (any more). An interrupted call is
// finished by repeating it, by revoking another token, or by [Client.Sweep].
//
// All tokens of a service are one trust domain: each has the service's key, so
// somebody who had one of them and can read the database can read what the
// service could read until the revocation.
func (s *Service) RevokeToken(ctx context.Context, id string) error {
	return s.fail("revoke token", "", s.revokeToken(ctx, id))
}

func (s *Service) revokeToken(ctx context.Context, text string) error {
	id, err := crypto.ParseID(text)
	if err != nil {
		return errNoToken
	}
	met := false
	err = s.replaceKey(ctx, func(_ *view, record serviceRecord) []crypto.ID {
		listed := slices.Contains(record.Tokens, id)
		met = met || listed || slices.Contains(record.Retiring, id)
		if !listed {
			return nil
		}
		return []crypto.ID{id}
	})
	if err == nil && !met {
		return errNoToken
	}
	return err
}

// revokeExpired revokes all tokens that have expired by now, with one
// replacement of the service's key, and finishes a replacement that was
// interrupted. It returns how many of those that have expired are gone, and the tokens
// of which that is not known: their records do not open, and they are left to
// [Service.RevokeToken]. If there is nothing to do it reads twice and writes nothing.
func (s *Service) revokeExpired(ctx context.Context, now time.Time) (int, skipped, error) {
	met := make(map[crypto.ID]bool)
	var damaged skipped
	err := s.replaceKey(ctx, func(v *view, record serviceRecord) []crypto.ID {
		var due []crypto.ID
		damaged = skipped{reason: ErrTampered}
		for _, id := range record.Tokens {
			token, err := s.token(v, record, id)
			if err != nil {
				damaged.add(id.String())
			}
			expired := err == nil && token.expired(now) != nil
			if expired {
				met[id] = true
			}
			if expired || slices.Contains(record.Retiring, id) {
				due = append(due, id)
			}
		}
		return due
	})
	if err != nil {
		return 0, damaged, err
	}
	return len(met), damaged, nil
}

// replaceKey replaces the service's key until none of the tokens that due names is
// left. It asks before each step, with what there is then: due names tokens that
// are listed.
func (s *Service) replaceKey(ctx context.Context, due func(*view, serviceRecord) []crypto.ID) error {
	return retry(ctx, func() error {
		v, record, err := s.readTokens(ctx)
		if err != nil {
			return err
		}
		ids := due(v, record)
		more := slices.DeleteFunc(slices.Clone(ids), func(id crypto.ID) bool { return slices.Contains(record.Retiring, id) })
		switch {
		case record.Previous != nil:
			err = s.finish(ctx, v, record)
		case len(more) > 0:
			err = s.begin(ctx, v, record, more)
		case len(ids) > 0:
			err = s.flip(ctx, v, record)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		return errMore // with the next step, from what is written now
	})
}

// begin opens the replacement of the service's key, or joins one under way.
func (s *Service) begin(ctx context.Context, v *view, record serviceRecord, ids []crypto.ID) error {
	if record.Next == nil {
		next, err := s.newKey(v, record.Current.Serial+1)
		if err != nil {
			return err
		}
		record.Next = next
	}
	record.Retiring = slices.Concat(record.Retiring, ids)
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	return v.commit(ctx, b)
}

// flip widens the grants to the next key, and then makes it the current one:
// the tokens that stay get it, the others go, and so do those whose record does
// not open.
func (s *Service) flip(ctx context.Context, v *view, record serviceRecord) error {
	if err := s.rewrap(ctx, record); err != nil {
		return err
	}
	next, previous := *record.Next, record.Current
	var puts []storage.Put
	var stay []crypto.ID
	retiring := slices.Clone(record.Retiring)
	for _, id := range record.Tokens {
		if slices.Contains(retiring, id) {
			continue
		}
		value, err := s.rekeyToken(v, record, next, id)
		if errors.Is(err, ErrTampered) {
			s.org.client.log.Warn("a token is gone: its record does not open", "organization", s.org.name, "service", s.name, "token", id.String())
			retiring = append(retiring, id)
			continue
		}
		if err != nil {
			return err
		}
		stay = append(stay, id)
		puts = append(puts, storage.Put{Key: tokenKey(s.org.name, s.name, id), Value: value})
	}
	record.Tokens, record.Retiring = stay, retiring
	record.Current, record.Next, record.Previous = next, nil, &previous
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	b.Puts = append(b.Puts, puts...)
	for _, id := range retiring {
		b.Deletes = append(b.Deletes, tokenKey(s.org.name, s.name, id))
	}
	return v.commit(ctx, b)
}

// rekeyToken returns a token's record with another service key, by the token's
// own key, which is wrapped for the organization.
func (s *Service) rekeyToken(v *view, record serviceRecord, key wrappedKey, id crypto.ID) ([]byte, error) {
	token, err := s.token(v, record, id)
	if err != nil {
		return nil, err
	}
	tokenKey, err := v.keyset.UnwrapTokenKey(token.TokenKey, s.tokenKeyBinding(id))
	if err != nil {
		return nil, err
	}
	// Not carried over: the batch does not check the token's record, which may
	// have come under another key of the organization meanwhile.
	if token.TokenKey, err = v.keyset.WrapTokenKey(tokenKey, s.tokenKeyBinding(id)); err != nil {
		return nil, err
	}
	return s.sealToken(v, key, id, tokenKey, token)
}

// finish narrows the grants to the current key, and then forgets the previous.
func (s *Service) finish(ctx context.Context, v *view, record serviceRecord) error {
	if err := s.rewrap(ctx, record); err != nil {
		return err
	}
	record.Previous, record.Retiring = nil, nil
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	return v.commit(ctx, b)
}
