package secrets

import (
	"context"
	"time"
)

// Privileged is the list that [CheckEnv] goes by.
var Privileged = privileged

// RevokeExpired is for the tests of what has no door of its own.
func (s *Service) RevokeExpired(ctx context.Context, now time.Time) (int, error) {
	return s.revokeExpired(ctx, now)
}
