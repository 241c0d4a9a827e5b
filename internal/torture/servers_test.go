package torture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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
	playThrough(t, []storage.Store{open(), open()}, func() {
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
	playThrough(t, stores, func() {
		server.Kill()
		server.Restart(t)
	})
}

func TestHistoriesOverLossesOfTheLeaderOfEtcdAreLinearizable(t *testing.T) {
	t.Parallel()
	quick := []string{"--heartbeat-interval=30", "--election-timeout=300"}
	members := etcdtest.StartCluster(t, quick, quick, quick)
	stores := []storage.Store{openEtcd(t, members...), openEtcd(t, members...)}
	playThrough(t, stores, func() {
		leader := findLeader(t, members)
		leader.Kill()
		time.Sleep(time.Second) // the others elect another
		leader.Restart(t)
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

// findLeader returns the member that leads now, of those that answer.
func findLeader(t testing.TB, members []*etcdtest.Server) *etcdtest.Server {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, m := range members {
			if leads(t, m) {
				return m
			}
		}
	}
	t.Fatal("no member leads")
	return nil
}

func leads(t testing.TB, m *etcdtest.Server) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	status, err := etcdtest.Client(t, []string{m.Endpoint}, nil).Status(ctx, m.Endpoint)
	return err == nil && status.Leader == status.Header.MemberId
}

// playThrough plays rounds while the server is crashed again and again.
func playThrough(t *testing.T, stores []storage.Store, crash func()) {
	root, seen, crashes := newRoot(t), tally{}, 2
	if long() {
		crashes = 25
	}
	for seed := 0; crashes > 0; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRound(t, stores[0], root, uint64(seed))
			var group sync.WaitGroup
			group.Go(func() { r.play(t.Context(), stores...) })
			if seed%3 == 2 {
				crashes--
				time.Sleep(time.Duration(rand.New(rand.NewPCG(r.seed, 0)).IntN(80)) * time.Millisecond)
				crash()
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
