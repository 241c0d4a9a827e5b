package secrets_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

func TestWatcherOutlivesCrashesOfPostgreSQL(t *testing.T) {
	t.Parallel()
	server := ownPostgres(t)
	open := func() storage.Store {
		pool, err := pgxpool.New(t.Context(), server.DSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s, err := postgres.OpenPool(t.Context(), pool, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	crashes := 0
	watchThrough(t, open, func() {
		crashes++
		if err := server.Crash(); err != nil {
			t.Error(err)
		}
	})
	t.Attr("immediate-restarts", strconv.Itoa(crashes))
}

// ownPostgres starts a server that a test may crash and stop.
func ownPostgres(t *testing.T) *testserver.Postgres {
	t.Helper()
	server, err := testserver.OpenPostgres()
	testserver.Require(t, err)
	if server.Folder == "" { // it was named, and is not ours to crash
		server, err = testserver.StartPostgres("")
		testserver.Require(t, err)
	}
	t.Cleanup(server.Stop)
	return server
}

func TestWatcherOutlivesRestartsOfEtcd(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	open := func() storage.Store {
		s, err := etcd.New(etcdtest.Client(t, []string{server.Endpoint}, nil), "/secrets/", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	watchThrough(t, open, func() {
		server.Kill()
		server.Restart(t)
	})
}

// watchThrough updates a secret, and has an app with connections of its own see
// every value, before and after the store is gone for a while.
func watchThrough(t *testing.T, open func() storage.Store, crash func()) {
	f := newFixtureOn(t, open())
	f.give(t, "a", "0")
	session, err := secrets.Connect(t.Context(), open(), f.token(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	news, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		for env, err := range session.Watch(ctx) {
			sweepError(t, err)
			if err != nil {
				if !errors.Is(err, secrets.ErrUnavailable) {
					t.Error(err)
				}
				continue
			}
			v, _ := env.Lookup("A")
			news <- reveal(v)
		}
	}()
	seen := func(want string) {
		t.Helper()
		timeout := time.After(time.Minute)
		for {
			select {
			case got := <-news:
				if got == want {
					return
				}
				if last, _ := strconv.Atoi(want); got != strconv.Itoa(last-1) {
					t.Errorf("the app reads %q before %q", got, want)
				}
			case <-timeout:
				t.Fatalf("after a minute the app has not seen %q", want)
			}
		}
	}
	seen("0")
	var delays []time.Duration
	for n := 1; n <= 12; n++ {
		if n%4 == 0 {
			crash()
		}
		value := strconv.Itoa(n)
		for {
			_, err := f.org.SetSecret(t.Context(), "a", text(value))
			if err == nil {
				break
			}
			if !errors.Is(err, secrets.ErrUnavailable) && !errors.Is(err, secrets.ErrUnknownOutcome) {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // and repeat the same call
		}
		begin := time.Now()
		seen(value)
		delays = append(delays, time.Since(begin))
	}
	stop()
	<-done
	slices.Sort(delays)
	t.Logf("an update is seen after %v (median), %v at most", delays[len(delays)/2], delays[len(delays)-1])
}
