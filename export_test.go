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

// Floors are what a handle remembers of so many records that no test can make them.
type Floors struct{ floors floors }

// Raise says that a record with this counter was read just now.
func (f *Floors) Raise(key string, counter uint64) error {
	return f.floors.raise(key, f.floors.now(), floor{counter})
}

// Absent says that just now there was no such record.
func (f *Floors) Absent(key string) error { return f.floors.absent(key, f.floors.now()) }
