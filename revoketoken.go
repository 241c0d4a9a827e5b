package secrets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// RevokeToken makes a token worthless, also to somebody who kept copies of the
// database: the service gets a new key, which its other tokens are given and
// its grants are made for, and the old one opens nothing that is stored after
// RevokeToken has returned. Apps with other tokens notice nothing. It gives
// [ErrNotFound] if there is no such token (any more). An interrupted call is
// finished by repeating it, or by revoking another token.
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
		return fmt.Errorf("token: %w", ErrNotFound)
	}
	begun := false
	return retry(ctx, func() error {
		v, record, err := s.readTokens(ctx)
		if err != nil {
			return err
		}
		switch listed := slices.Contains(record.Tokens, id); {
		case record.Previous != nil:
			begun = begun || !listed
			err = s.finish(ctx, v, record)
		case listed && !slices.Contains(record.Retiring, id):
			begun = true
			err = s.begin(ctx, v, record, id)
		case record.Next != nil:
			begun = true
			err = s.flip(ctx, v, record)
		case begun:
			return nil
		default:
			return fmt.Errorf("token: %w", ErrNotFound)
		}
		if err != nil {
			return err
		}
		return errAgain // with the next step, from what is written now
	})
}

// begin opens the replacement of the service's key, or joins one under way.
func (s *Service) begin(ctx context.Context, v *view, record serviceRecord, id crypto.ID) error {
	if record.Next == nil {
		next, err := s.newKey(v, record.Current.Serial+1)
		if err != nil {
			return err
		}
		record.Next = next
	}
	record.Retiring = append(slices.Clone(record.Retiring), id)
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	return v.commit(ctx, b)
}

// flip widens the grants to the next key, and then makes it the current one:
// the tokens that stay get it, the others go.
func (s *Service) flip(ctx context.Context, v *view, record serviceRecord) error {
	if err := s.rewrap(ctx, record); err != nil {
		return err
	}
	retiring, previous := record.Retiring, record.Current
	record.Tokens = slices.DeleteFunc(slices.Clone(record.Tokens), func(id crypto.ID) bool { return slices.Contains(retiring, id) })
	next := *record.Next
	var puts []storage.Put
	for _, id := range record.Tokens {
		value, err := s.rekeyToken(v, record, next, id)
		if err != nil {
			return err
		}
		puts = append(puts, storage.Put{Key: tokenKey(s.org.name, s.name, id), Value: value})
	}
	record.Current, record.Next, record.Previous, record.Retiring = next, nil, &previous, nil
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
	return s.sealToken(v, record.ID, key, id, tokenKey, token.TokenKey, token.Created)
}

// finish narrows the grants to the current key, and then forgets the previous.
func (s *Service) finish(ctx context.Context, v *view, record serviceRecord) error {
	if err := s.rewrap(ctx, record); err != nil {
		return err
	}
	record.Previous = nil
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	return v.commit(ctx, b)
}

// rewrapBatch is how many secrets fit a batch: three records each.
const rewrapBatch = storage.MaxWrites / 3

// rewrap makes all grants of the service for the keys that its record asks for.
func (s *Service) rewrap(ctx context.Context, record serviceRecord) error {
	names, err := s.rowNames(ctx)
	if err != nil {
		return err
	}
	size := rewrapBatch
	for attempt := 0; len(names) > 0; {
		n := min(size, len(names))
		err := s.rewrapSome(ctx, record, names[:n])
		var again *attemptError
		switch {
		case err == nil:
			names, attempt = names[n:], 0
			size = min(2*size, rewrapBatch)
		case errors.Is(err, ErrLimit) && size > 1:
			size = (size + 1) / 2 // large values: fewer in a batch
		case errors.As(err, &again) && attempt < maxAttempts:
			size, attempt = max(1, size/2), attempt+1
			if moved, err := s.movedOn(ctx, record); err != nil || moved {
				return errors.Join(err, movedError(moved))
			}
		default:
			return err
		}
	}
	return nil
}

func movedError(moved bool) error {
	if moved {
		return errAgain
	}
	return nil
}

// movedOn reports whether somebody else has written the service's record.
func (s *Service) movedOn(ctx context.Context, record serviceRecord) (bool, error) {
	again, err := s.read(ctx)
	return again.Serial != record.Serial, err
}

func (s *Service) rewrapSome(ctx context.Context, record serviceRecord, names []Name) error {
	key := serviceKey(s.org.name, s.name)
	for _, name := range names { // a claim on one of them is waited for
		if _, _, err := s.org.writer(name).read(ctx); err != nil {
			return err
		}
	}
	v, err := s.org.readSecrets(ctx, names, key)
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
	b := v.batch(key)
	for _, name := range names {
		if err := s.rewrapOne(v, record, name, &b); err != nil {
			return err
		}
	}
	if len(b.Puts) == 0 {
		return nil
	}
	return v.commit(ctx, b)
}

// rewrapOne adds to b what makes one grant for the keys that record asks for.
func (s *Service) rewrapOne(v *view, record serviceRecord, name Name, b *storage.Batch) error {
	secret, err := v.secret(name)
	if err != nil {
		return err
	}
	i, listed := secret.grantee(s.name)
	want := record.grantKeys()
	if !listed || !secret.live() || slices.Equal(secret.access.Grantees[i].KeyIDs, want) {
		return nil
	}
	current, err := v.unseal(secret)
	if err != nil {
		return err
	}
	next := secret.record
	next.Serial, next.Claim = next.Serial+1, crypto.ID{}
	access := accessRecord{SecretID: next.ID, Serial: next.Serial, Grantees: slices.Clone(secret.access.Grantees)}
	access.Grantees[i].KeyIDs = want
	row, err := v.row(secret, next.ID, access.Grantees[i], current)
	if err != nil {
		return err
	}
	one, err := v.putSecret(secret, next, access)
	if err != nil {
		return err
	}
	b.Checks = append(b.Checks, one.Checks[1:]...) // the organization's is there already
	b.Puts = append(append(b.Puts, one.Puts...), storage.Put{Key: rowKey(s.org.name, s.name, name), Value: row})
	return nil
}
