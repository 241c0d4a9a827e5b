package torture_test

import (
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
	server := ownPostgres(t, "")
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
func ownPostgres(t *testing.T, options string) *testserver.Postgres {
	t.Helper()
	if os.Getenv("SECRETS_TEST_POSTGRES") == "absent" {
		testserver.Require(t, testserver.ErrAbsent)
	}
	server, err := testserver.StartPostgres(options)
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
	quick := etcdtest.Quick()
	members := etcdtest.StartCluster(t, quick, quick, quick)
	stores := []storage.Store{openEtcd(t, members...), openEtcd(t, members...)}
	playThrough(t, stores, func(t testing.TB) {
		lost := etcdtest.Leader(t, members)
		lost.Kill()
		time.Sleep(time.Second) // the others elect another
		lost.Restart(t)
	})
}

// Some of the clients know one member only. In turns that member and the leader
// are cut off from the others, but from no client.
func TestHistoriesOverPartitionsOfEtcdAreLinearizable(t *testing.T) {
	t.Parallel()
	quick, splits := etcdtest.Quick(), 0
	members, links := etcdtest.StartLinked(t, quick, quick, quick)
	stores := []storage.Store{openEtcd(t, members...), openEtcd(t, members[0])}
	playThrough(t, stores, func(t testing.TB) {
		apart := members[0]
		if splits++; splits%2 == 1 {
			apart = etcdtest.Leader(t, members)
		}
		links.Split(apart)
		time.Sleep(time.Second)
		links.Split()
	})
}

func openEtcd(t testing.TB, members ...*etcdtest.Server) storage.Store {
	t.Helper()
	client := etcdtest.Client(t, etcdtest.Endpoints(members...), nil)
	s, err := etcd.New(client, "/secrets/", &etcd.Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// playThrough plays rounds while the server is crashed again and again.
func playThrough(t *testing.T, stores []storage.Store, crash func(testing.TB)) {
	root, seen, crashes := newRoot(t), tally{}, 2
	if long() {
		crashes = 12
	}
	defer func(all int) { t.Attr("faults", fmt.Sprint(all-crashes)) }(crashes)
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
