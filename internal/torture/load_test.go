package torture_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

const (
	sessions = 200
	services = 4 // which share the sessions, a token for each
	pairs    = 5 // of secrets that are updated together
)

// These tests are not parallel: they measure.

// Two stores have the file open to read, each with its four connections, and the
// administrator has a third. On two cores one alone reads half as much; four or more read
// no more, and keep the administrator waiting.
func TestSessionsOnOneSQLiteFileReadWhatIsCurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.db")
	admin := openSQLite(t, path, nil)
	apps := []storage.Store{openSQLite(t, path, nil), openSQLite(t, path, nil)}
	carry(t, admin, apps)
}

// All apps share eight connections. On two cores four read a quarter less; sixteen
// read hardly more, and the administrator half as fast.
func TestSessionsOnPostgreSQLReadWhatIsCurrent(t *testing.T) {
	server := ownPostgres(t, "")
	open := func(connections int) storage.Store {
		s, err := postgres.Open(t.Context(), fmt.Sprintf("%s pool_max_conns=%d", server.DSN, connections), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	carry(t, open(2), []storage.Store{open(8)})
}

// least is how many updates a test is to see, however slow the machine.
func least() int {
	if long() {
		return 20
	}
	return 5
}

// A load is an organization in which pairs of secrets are updated, and what its
// readers have to see.
type load struct {
	org      *secrets.Organization
	sessions []*secrets.Session
	begun    [pairs]atomic.Int64 // the update of each pair that was begun last
	returned [pairs]atomic.Int64 // and that has returned
	updates  atomic.Int64        // that have returned while the sessions read
}

// carry lets all sessions read while the administrator updates without pause. It
// goes on for longer on a machine that is so slow that it has not seen enough.
func carry(t *testing.T, admin storage.Store, apps []storage.Store) {
	last := time.Second
	if long() {
		last = 2 * time.Minute
	}
	l := newLoad(t, admin, newRoot(t))
	l.connect(t, apps)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	end := time.Now().Add(last)
	until := func(enough func() bool) func() bool {
		return func() bool {
			now := time.Now()
			return ctx.Err() == nil && (now.Before(end) || !enough() && now.Before(end.Add(time.Minute)))
		}
	}
	updated := func() bool { return l.updates.Load() >= int64(least()) }

	var group sync.WaitGroup
	var updates latencies
	group.Go(func() {
		updates = repeat(until(updated), cancel, func(n int) error {
			defer l.updates.Add(1)
			return l.update(t.Context(), pairs+n)
		})
	})
	reads, after := make([]latencies, sessions), make([]int, sessions) // those that began after an update had returned
	for i, s := range l.sessions {
		seen := func() bool { return after[i] > 0 && updated() }
		group.Go(func() {
			reads[i] = repeat(until(seen), cancel, func(int) error {
				if l.updates.Load() > 0 {
					after[i]++
				}
				return l.read(t.Context(), s)
			})
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range after {
		if after[i] == 0 {
			t.Errorf("session %d has read nothing after an update", i)
		}
	}
	if len(updates) < least() {
		t.Errorf("only %d updates", len(updates))
	}
	t.Attr("sessions", fmt.Sprint(sessions))
	slices.Concat(reads...).attr(t, "read")
	updates.attr(t, "update")
}

// repeat does something while running, until it fails.
func repeat(running func() bool, fail context.CancelCauseFunc, do func(n int) error) (took latencies) {
	for n := 1; running(); n++ {
		begin := time.Now()
		if err := do(n); err != nil {
			fail(err)
			return took
		}
		took = append(took, time.Since(begin))
	}
	return took
}

func newLoad(t *testing.T, store storage.Store, root crypto.Root) *load {
	t.Helper()
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &load{}
	if l.org, err = client.CreateOrganization(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	for n := range pairs {
		if err := l.update(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// connect makes the services and their sessions.
func (l *load) connect(t *testing.T, stores []storage.Store) {
	t.Helper()
	for i := range services {
		service, err := l.org.CreateService(t.Context(), secrets.Name(fmt.Sprint("api-", i)))
		if err != nil {
			t.Fatal(err)
		}
		for pair := range pairs {
			user, password := pairNames(pair)
			_, err1 := service.Grant(t.Context(), user, "")
			_, err2 := service.Grant(t.Context(), password, "")
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
		}
		for range sessions / services {
			token, err := service.IssueToken(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			session, err := secrets.Connect(t.Context(), stores[i%len(stores)], token)
			if err != nil {
				t.Fatal(err)
			}
			l.sessions = append(l.sessions, session)
		}
	}
}

func pairNames(pair int) (user, password secrets.Name) {
	return secrets.Name(fmt.Sprint("user-", pair)), secrets.Name(fmt.Sprint("password-", pair))
}

// update gives both secrets of a pair the number n, in one change.
func (l *load) update(ctx context.Context, n int) error {
	pair, value := n%pairs, secrets.Text(fmt.Sprint(n))
	user, password := pairNames(pair)
	l.begun[pair].Store(int64(n))
	err := l.org.Change(ctx, func(c *secrets.Change) error {
		return errors.Join(c.SetSecret(user, value), c.SetSecret(password, value))
	})
	l.returned[pair].Store(int64(n))
	return err
}

// read reads once, and returns an error for a pair that is mixed, older than what
// had returned before the call, or newer than what was begun.
func (l *load) read(ctx context.Context, session *secrets.Session) error {
	var least [pairs]int64
	for pair := range pairs {
		least[pair] = l.returned[pair].Load()
	}
	env, err := session.Environment(ctx)
	if err != nil {
		return err
	}
	for pair := range pairs {
		user, password := pairNames(pair)
		u, _ := env.Secret(user)
		p, _ := env.Secret(password)
		n, err := strconv.ParseInt(u.Reveal(), 10, 64)
		if most := l.begun[pair].Load(); err != nil || !u.Equal(p) || n < least[pair] || n > most {
			return fmt.Errorf("pair %d: user %q, password %q, want both %d to %d", pair, u.Reveal(), p.Reveal(), least[pair], most)
		}
	}
	return nil
}

// The checks of a reading have to fail where they should.
func TestReadingsThatAreMixedOrStaleAreFound(t *testing.T) {
	t.Parallel()
	store := memory.New()
	l := newLoad(t, store, newRoot(t))
	l.connect(t, []storage.Store{store})
	session := l.sessions[0]
	if err := l.read(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	l.returned[3].Store(pairs)
	if l.read(t.Context(), session) == nil {
		t.Error("an older pair than the one that was set passed")
	}
	l.returned[3].Store(0)
	l.begun[3].Store(0)
	if l.read(t.Context(), session) == nil {
		t.Error("a pair that nobody has set passed")
	}
	l.begun[3].Store(pairs)
	user, _ := pairNames(3)
	if _, err := l.org.SetSecret(t.Context(), user, secrets.Text("4")); err != nil {
		t.Fatal(err)
	}
	if l.read(t.Context(), session) == nil {
		t.Error("a mixed pair passed")
	}
}

// latencies of one operation.
type latencies []time.Duration

// attr says how many they are of what, and how long that takes.
func (l latencies) attr(t *testing.T, what string) {
	t.Attr(what+"s", fmt.Sprint(len(l)))
	sorted := slices.Sorted(slices.Values(l))
	for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
		if len(l) > 0 {
			t.Attr(what+"-"+name, fmt.Sprintf("%.1f ms", sorted[int(q*float64(len(sorted)-1))].Seconds()*1000))
		}
	}
}
