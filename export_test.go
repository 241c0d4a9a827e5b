package secrets

import (
	"context"
	"time"
)

// Privileged is the list that [CheckEnv] goes by.
var Privileged = privileged

// RevokeExpired is what [Client.Sweep] does to a service, at any time.
func (s *Service) RevokeExpired(ctx context.Context, now time.Time) (int, error) {
	n, _, err := s.revokeExpired(ctx, now)
	return n, err
}
