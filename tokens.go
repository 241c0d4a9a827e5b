package secrets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// maxTokens is the most tokens that a service may have at once.
const maxTokens = 64

// TokenInfo is what may be known of a token that was issued.
type TokenInfo struct {
	ID        string // as Token.ID gives it
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

// IssueToken makes a token with which an app can [Connect] as this service. It
// is the only time that the token is seen: it is not stored. A service may have
// up to 64 at once, so that an app changes over to another one without a break;
// beyond that it gives [ErrLimit]. Tokens that have expired count until they are
// revoked, as [Client.Sweep] does. If it fails with [ErrUnknownOutcome] there may be
// a token that nobody has: see [Service.Tokens].
func (s *Service) IssueToken(ctx context.Context) (Token, error) {
	token, err := s.issueToken(ctx, 0)
	return token, s.fail("issue token", "", err)
}

// IssueTokenUntil is [Service.IssueToken] for a token that expires, to the
// millisecond: from then on [Connect] and all sessions with it give
// [ErrUnauthenticated], also while the store is away, and [Session.Watch] ends.
// The time cannot be changed later, not even by somebody who writes to the
// database. It must be after now, as [Options].Now has it, and before the year
// 10000: otherwise nothing is written, and the error is [ErrInvalidExpiry].
//
// It is the library in the app that goes by the expiry, and by the clock of the
// app's machine. Somebody who has the token, the database and a program of his own
// can ignore it, until [Service.RevokeToken] or [Client.Sweep] takes the token's key
// out of use.
func (s *Service) IssueTokenUntil(ctx context.Context, expires time.Time) (Token, error) {
	at, err := expiryOf(expires, s.org.client.now())
	if err != nil {
		return Token{}, s.fail("issue token", "", err)
	}
	token, err := s.issueToken(ctx, at)
	return token, s.fail("issue token", "", err)
}

func (s *Service) issueToken(ctx context.Context, expires instant) (Token, error) {
	key, err := crypto.NewTokenKey()
	if err != nil {
		return Token{}, err
	}
	c := tokenContent{organization: s.org.name, service: s.name, id: crypto.NewID(), key: key}
	err = retry(ctx, func() error {
		v, err := s.org.read(ctx, s.org.serviceKeys(s.name)...)
		if err != nil {
			return err
		}
		record, err := s.verify(v)
		if err != nil {
			return err
		}
		if slices.Contains(record.Tokens, c.id) {
			return nil // an earlier attempt, whose answer was lost
		}
		if len(record.Tokens) >= maxTokens {
			return fmt.Errorf("%w: the service has %d tokens already; expired ones count until they are revoked", ErrLimit, maxTokens)
		}
		c.floor = record.Current.Serial
		return s.putToken(ctx, v, record, c, expires)
	})
	if err != nil {
		return Token{}, err
	}
	return newToken(c), nil
}

func (s *Service) putToken(ctx context.Context, v *view, record serviceRecord, c tokenContent, expires instant) error {
	wrapped, err := v.keyset.WrapTokenKey(c.key, s.tokenKeyBinding(c.id))
	if err != nil {
		return err
	}
	token := tokenRecord{TokenKey: wrapped, Created: instantOf(s.org.client.now()), Expires: expires}
	value, err := s.sealToken(v, record.Current, c.id, c.key, token)
	if err != nil {
		return err
	}
	record.Tokens = append(slices.Clone(record.Tokens), c.id)
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	key := tokenKey(s.org.name, s.name, c.id)
	b.Checks = append(b.Checks, storage.Check{Key: key})
	b.Puts = append(b.Puts, storage.Put{Key: key, Value: value})
	return v.commit(ctx, b)
}

// sealToken returns a token's record, in which a service key is wrapped by the
// token. What does not depend on that key is in record.
func (s *Service) sealToken(v *view, key wrappedKey, id crypto.ID, token *crypto.TokenKey, record tokenRecord) ([]byte, error) {
	opened, err := v.serviceKey(s.name, s.id, key)
	if err != nil {
		return nil, err
	}
	record.OrganizationID, record.ServiceID = s.org.id, s.id
	record.KeyID, record.KeySerial = key.ID, key.Serial
	c := tokenContent{organization: s.org.name, service: s.name, id: id}
	if record.Wrap, err = token.WrapServiceKey(opened, c.binding(record)); err != nil {
		return nil, err
	}
	return v.encode(typeToken, record, s.name, Name(id.String()))
}

func (s *Service) tokenKeyBinding(id crypto.ID) crypto.TokenKeyBinding {
	return crypto.TokenKeyBinding{OrganizationID: s.org.id, ServiceID: s.id, Service: string(s.name), TokenID: id}
}

// readTokens reads the service and all its tokens at one instant.
func (s *Service) readTokens(ctx context.Context) (*view, serviceRecord, error) {
	record, err := s.read(ctx)
	if err != nil {
		return nil, record, err
	}
	v, err := s.org.read(ctx, append(s.tokenKeys(record), s.org.serviceKeys(s.name)...)...)
	if err != nil {
		return nil, record, err
	}
	again, err := s.verify(v)
	if err == nil && again.Serial != record.Serial {
		err = errAgain // its tokens may be others
	}
	return v, again, err
}

// token returns the record of a token that the service lists. It holds the
// service's current key: an older record does not agree.
func (s *Service) token(v *view, record serviceRecord, id crypto.ID) (tokenRecord, error) {
	var token tokenRecord
	found, err := v.decode(tokenKey(s.org.name, s.name, id), typeToken, &token, s.name, Name(id.String()))
	if err != nil {
		return token, err
	}
	if !found || token.ServiceID != record.ID || token.KeyID != record.Current.ID || token.KeySerial != record.Current.Serial {
		return token, ErrTampered
	}
	return token, nil
}

// Tokens returns the tokens that were not revoked, the oldest first, also those
// that have expired. An [ErrTampered] names the token whose record does not open:
// [Service.RevokeToken] removes it.
func (s *Service) Tokens(ctx context.Context) ([]TokenInfo, error) {
	var infos []TokenInfo
	err := retry(ctx, func() error {
		v, record, err := s.readTokens(ctx)
		if err != nil {
			return err
		}
		infos = make([]TokenInfo, 0, len(record.Tokens))
		for _, id := range record.Tokens {
			token, err := s.token(v, record, id)
			if err != nil {
				return fmt.Errorf("token %s: %w", id, err)
			}
			infos = append(infos, token.info(id))
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("list tokens", "", err)
	}
	slices.SortStableFunc(infos, func(a, b TokenInfo) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return infos, nil
}

func (r *tokenRecord) info(id crypto.ID) TokenInfo {
	info := TokenInfo{ID: id.String(), CreatedAt: r.Created.time()}
	if r.Expires != 0 {
		info.ExpiresAt = r.Expires.time()
	}
	return info
}

// tokenKeys returns the keys of the service's tokens.
func (s *Service) tokenKeys(record serviceRecord) []string {
	keys := make([]string, len(record.Tokens))
	for i, id := range record.Tokens {
		keys[i] = tokenKey(s.org.name, s.name, id)
	}
	return keys
}
