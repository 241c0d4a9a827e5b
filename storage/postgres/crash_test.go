package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// A counter is what one writer of a crash test knows.
type counter struct {
	key          string
	acknowledged int // the number of the last Commit that returned nil
	attempted    int // the number of the last that was called
}

// count writes numbers until ctx ends. A number may be of unknown outcome, and
// nothing else than that or ErrUnavailable is to be expected of a crash.
func (c *counter) count(ctx context.Context, t *testing.T, s storage.Store) {
	for ctx.Err() == nil {
		c.attempted++
		err := s.Commit(t.Context(), put(c.key, strconv.Itoa(c.attempted)))
		switch {
		case err == nil:
			c.acknowledged = c.attempted
		case errors.Is(err, storage.ErrUnknownOutcome), errors.Is(err, storage.ErrUnavailable):
			time.Sleep(5 * time.Millisecond)
		default:
			t.Errorf("Commit: %v", err)
		}
	}
}

// TestCrashLosesNothingAcknowledged has a server of its own, which waits for
// the disk, crash under load.
func TestCrashLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	testserver.Require(t, serverErr)
	crashing, err := testserver.StartPostgres("-c fsync=on")
	testserver.Require(t, err)
	defer crashing.Stop()
	s, err := postgres.Open(t.Context(), crashing.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signals := changes(t, s, "watched/")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	var counters []*counter
	for i := range 3 {
		c := &counter{key: fmt.Sprintf("counter/%d", i)}
		counters = append(counters, c)
		writers.Go(func() { c.count(ctx, t, s) })
	}
	const crashes = 2
	for range crashes {
		time.Sleep(300 * time.Millisecond)
		if err := crashing.Crash(); err != nil {
			t.Fatal(err)
		}
		signalled(t, signals) // nobody knows what was missed
	}
	time.Sleep(100 * time.Millisecond)
	stop()
	writers.Wait()

	acknowledged := 0
	for _, c := range counters {
		acknowledged += c.acknowledged
		stored, err := strconv.Atoi(eventualValue(t, s, c.key))
		if err != nil || stored < c.acknowledged || stored > c.attempted {
			t.Errorf("%s is %d, but %d was acknowledged and %d attempted: %v", c.key, stored, c.acknowledged, c.attempted, err)
		}
		if c.acknowledged < 10 {
			t.Errorf("only %d commits were acknowledged", c.acknowledged)
		}
	}
	t.Attr("immediate-restarts", strconv.Itoa(crashes))
	t.Attr("acknowledged", strconv.Itoa(acknowledged))
	commit(t, s, put("watched/1", ""))
	signalled(t, signals)
}

// eventualValue reads over connections of which some may have been lost.
func eventualValue(t *testing.T, s storage.Store, key string) string {
	t.Helper()
	for {
		found, err := s.Get(t.Context(), key)
		if err == nil && len(found) == 1 {
			return string(found[0].Value)
		}
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("%d entries, %v", len(found), err)
		}
	}
}

// TestStandbyIsRefused makes a server one that waits for what a primary sends.
func TestStandbyIsRefused(t *testing.T) {
	t.Parallel()
	testserver.Require(t, serverErr)
	standby, err := testserver.StartPostgres("-c fsync=off")
	testserver.Require(t, err)
	defer standby.Stop()
	s, err := postgres.Open(t.Context(), standby.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(filepath.Join(standby.Folder, "data", "standby.signal"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := standby.Crash(); err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Open(t.Context(), standby.DSN, nil)
	wantError(t, err, postgres.ErrStandby)
	wantSecret(t, err)
	_, err = postgres.OpenPool(t.Context(), poolOf(t, standby.DSN, nil), nil)
	wantError(t, err, postgres.ErrStandby)
}
