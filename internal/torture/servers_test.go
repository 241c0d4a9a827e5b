package torture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

func TestHistoriesOverCrashesOfPostgreSQLAreLinearizable(t *testing.T) {
	t.Parallel()
	server := ownPostgres(t)
	open := func() storage.Store {
		s, err := postgres.Open(t.Context(), server.DSN+" pool_max_conns=6", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	playThrough(t, []storage.Store{open(), open()}, func(t testing.TB) {
		if err := server.Crash(); err != nil {
			t.Error(err)
		}
	})
}

// ownPostgres starts a server that a test may crash, and that waits for the disk.
func ownPostgres(t *testing.T) *testserver.Postgres {
	t.Helper()
	if os.Getenv("SECRETS_TEST_POSTGRES") == "absent" {
		testserver.Require(t, testserver.ErrAbsent)
	}
	server, err := testserver.StartPostgres("")
	testserver.Require(t, err)
	t.Cleanup(server.Stop)
	return server
}

func TestHistoriesOverKillsOfEtcdAreLinearizable(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	stores := []storage.Store{openEtcd(t, server), openEtcd(t, server)}
	playThrough(t, stores, func(t testing.TB) {
		server.Kill()
		server.Restart(t)
	})
}

func TestHistoriesOverLossesOfTheLeaderOfEtcdAreLinearizable(t *testing.T) {
	t.Parallel()
	quick := []string{"--heartbeat-interval=30", "--election-timeout=300"}
	members := etcdtest.StartCluster(t, quick, quick, quick)
	stores := []storage.Store{openEtcd(t, members...), openEtcd(t, members...)}
	leader := leaders(t, members)
	playThrough(t, stores, func(t testing.TB) {
		lost := leader(t)
		lost.Kill()
		time.Sleep(time.Second) // the others elect another
		lost.Restart(t)
	})
}

func openEtcd(t testing.TB, members ...*etcdtest.Server) storage.Store {
	t.Helper()
	var endpoints []string
	for _, m := range members {
		endpoints = append(endpoints, m.Endpoint)
	}
	s, err := etcd.New(etcdtest.Client(t, endpoints, nil), "/secrets/", &etcd.Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// leaders returns a function that finds the member which leads now.
func leaders(t testing.TB, members []*etcdtest.Server) func(testing.TB) *etcdtest.Server {
	client := etcdtest.Client(t, []string{members[0].Endpoint}, nil)
	leads := func(m *etcdtest.Server) bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		status, err := client.Status(ctx, m.Endpoint)
		return err == nil && status.Leader == status.Header.MemberId
	}
	return func(t testing.TB) *etcdtest.Server {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if i := slices.IndexFunc(members, leads); i >= 0 {
				return members[i]
			}
		}
		t.Fatal("no member leads")
		return nil
	}
}

// playThrough plays rounds while the server is crashed again and again.
func playThrough(t *testing.T, stores []storage.Store, crash func(testing.TB)) {
	root, seen, crashes := newRoot(t), tally{}, 2
	if long() {
		crashes = 12
	}
	for seed := 0; crashes > 0; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRound(t, stores[0], root, uint64(seed))
			var group sync.WaitGroup
			group.Go(func() { r.play(t.Context(), stores...) })
			if seed%3 == 2 {
				crashes--
				time.Sleep(time.Duration(rand.New(rand.NewPCG(r.seed, 0)).IntN(80)) * time.Millisecond)
				crash(t)
			}
			group.Wait()
			r.judge(t, seen)
			r.end(t, stores[0])
		})
		if t.Failed() {
			return
		}
	}
	seen.wantEverything(t)
}
