package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

const patience = 20 * time.Second

// signalled takes a signal.
func signalled(t testing.TB, signals <-chan struct{}) {
	t.Helper()
	select {
	case _, open := <-signals:
		if !open {
			t.Fatal("the channel was closed")
		}
	case <-time.After(patience):
		t.Fatalf("no signal within %v", patience)
	}
}

// quiet fails on a signal within a time in which one would come.
func quiet(t testing.TB, signals <-chan struct{}) {
	t.Helper()
	select {
	case <-signals:
		t.Error("a signal for nothing")
	case <-time.After(50 * time.Millisecond):
	}
}

func changes(t testing.TB, s storage.Store, prefixes ...string) <-chan struct{} {
	t.Helper()
	signals, err := s.Changes(t.Context(), prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	return signals
}

func TestChangesElsewhereWakeNobody(t *testing.T) {
	t.Parallel()
	schema := newName("changes")
	s := open(t, schema)
	ours, all := changes(t, s, "org/acme/env/api/", "orgs/acme"), changes(t, s)
	for _, key := range []string{"org/acme/env/web/a", "org/other/env/api/a", "org/acme/env/api", "org/acme/secret/a", "org/acme/env/apis/a"} {
		commit(t, s, put(key, ""))
		signalled(t, all)
	}
	commit(t, open(t, newName("changes")), put("org/acme/env/api/a", ""))
	conflict := storage.Batch{Checks: []storage.Check{{Key: "org/acme/secret/a"}}, Deletes: []string{"org/acme/env/api/a"}}
	wantError(t, s.Commit(t.Context(), conflict), storage.ErrConflict)
	quiet(t, ours)
	quiet(t, all)
	for _, key := range []string{"org/acme/env/api/a", "org/acme/env/api/b/c", "orgs/acme"} {
		commit(t, s, put(key, ""))
		signalled(t, ours)
	}
}

// TestChangesOfManyKeysAreSignalled has more folders than a notification takes.
func TestChangesOfManyKeysAreSignalled(t *testing.T) {
	t.Parallel()
	s := open(t, newName("changes"))
	signals := changes(t, s, "k050/"+strings.Repeat("f/", 200))
	batch := storage.Batch{Checks: []storage.Check{{Key: "never-there"}}}
	for i := range storage.MaxWrites {
		batch.Puts = append(batch.Puts, storage.Put{Key: fmt.Sprintf("k%03d/", i) + strings.Repeat("f/", 200) + "key"})
	}
	commit(t, s, batch)
	signalled(t, signals)
}

// TestNotificationsShowNoNames listens as anybody may who can connect.
func TestNotificationsShowNoNames(t *testing.T) {
	t.Parallel()
	schema := newName("names")
	s := open(t, schema)
	conn, err := newPool(t, nil).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "LISTEN "+postgres.Channel(schema)); err != nil {
		t.Fatal(err)
	}
	commit(t, s, put("org/"+canary+"/secret/"+canary, canary))
	n, err := conn.Conn().WaitForNotification(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n.Payload == "" || strings.Contains(n.Payload, canary) {
		t.Errorf("the notification is %q", n.Payload)
	}
}

func TestChangesGoOnAfterTheConnectionWasLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*proxy){
		"cut":    (*proxy).cut,
		"frozen": (*proxy).freeze, // nothing comes, and no error either
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := newName("reconnect")
			writer := open(t, schema)
			p := newProxy(t, target(t))
			options := &postgres.Options{Schema: schema}
			options.SetHeartbeat(100 * time.Millisecond)
			s, err := postgres.OpenPool(t.Context(), newPool(t, behind(p)), options)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ours, other := changes(t, s, "a/"), changes(t, s, "b/")
			lose(p)
			commit(t, writer, put("a/1", "1")) // seen by nobody
			signalled(t, ours)
			signalled(t, other) // nobody knows what was committed meanwhile
			quiet(t, other)
			commit(t, writer, put("a/1", "2"))
			signalled(t, ours)
			quiet(t, other)
		})
	}
}

func TestChangesNeedsAServer(t *testing.T) {
	t.Parallel()
	p := newProxy(t, target(t))
	s := openPool(t, newPool(t, behind(p)), newName("gone"))
	_ = p.listener.Close()
	p.cut()
	_, err := s.Changes(t.Context())
	wantError(t, err, storage.ErrUnavailable)
}

// TestChangesTakesNoConnectionOfThePool would wait for ever otherwise.
func TestChangesTakesNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	p := newProxy(t, target(t))
	s := openPool(t, newPool(t, textual(p)), newName("one")) // of one connection
	signals := changes(t, s)
	commit(t, s, put("a", "1"))
	signalled(t, signals)
}

// TestChangesKeepsAConnectionOnWhichNothingHappens, since a new one would be a
// signal.
func TestChangesKeepsAConnectionOnWhichNothingHappens(t *testing.T) {
	t.Parallel()
	options := &postgres.Options{Schema: newName("idle")}
	options.SetHeartbeat(400 * time.Millisecond) // an answer may take as long
	s, err := postgres.OpenPool(t.Context(), newPool(t, nil), options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signals := changes(t, s)
	time.Sleep(time.Second)
	quiet(t, signals)
	commit(t, s, put("a", "1"))
	signalled(t, signals)
}

// TestChangesLogsInAsThePoolDoes is for passwords that expire.
func TestChangesLogsInAsThePoolDoes(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(config *pgxpool.Config) {
		user := config.ConnConfig.User
		config.ConnConfig.User = "not yet known"
		config.BeforeConnect = func(_ context.Context, config *pgx.ConnConfig) error {
			config.User = user
			return nil
		}
	})
	s := openPool(t, pool, newName("login"))
	signals := changes(t, s)
	commit(t, s, put("a", "1"))
	signalled(t, signals)
}
