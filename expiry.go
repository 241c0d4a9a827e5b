package secrets

import (
	"context"
	"fmt"
	"time"
)

// expiryOf returns the expiry of a token that is issued now.
func expiryOf(expires, now time.Time) (instant, error) {
	const lastYear = 9999 // that RFC 3339, and so JSON, can say
	at := instantOf(expires)
	switch {
	case expires.IsZero():
		return 0, fmt.Errorf("%w: it is the zero time", ErrInvalidExpiry)
	case expires.UTC().Year() > lastYear:
		return 0, fmt.Errorf("%w: it is after the year %d", ErrInvalidExpiry, lastYear)
	case at <= max(instantOf(now), 0): // in a record 0 is never
		return 0, fmt.Errorf("%w: %s is not after now, %s", ErrInvalidExpiry, expires.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	}
	return at, nil
}

// expired returns errExpired if the token has.
func (r *tokenRecord) expired(now time.Time) error {
	if r.Expires == 0 || now.Before(r.Expires.time()) {
		return nil
	}
	return fmt.Errorf("%w, at %s", errExpired, r.Expires.time().Format(time.RFC3339))
}

// expired returns errExpired if the session's token has: that is known without
// the store, since the expiry of a token never changes.
func (s *Session) expired() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened.record.expired(s.now())
}

// untilExpiry returns a context that also ends when the session's token expires.
func (s *Session) untilExpiry(ctx context.Context) (context.Context, context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	expires := s.opened.record.Expires
	if expires == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, expires.time().Sub(s.now()))
}

// now is by the clock of the cache, if there is one: a session has one clock.
func (s *Session) now() time.Time {
	if s.cache != nil {
		return s.cache.Now()
	}
	return time.Now()
}
