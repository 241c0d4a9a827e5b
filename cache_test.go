package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// An offline app has a cache and a store that can be taken away.
type offline struct {
	*fixture
	away *switchable
	path string
	now  time.Time
}

func newOffline(t *testing.T) *offline {
	t.Helper()
	f := newFixtureOn(t, newMemory(t))
	f.give(t, "a", "one")
	f.give(t, "b", "other")
	f.tokens = []secrets.Token{f.token(t), f.token(t)}
	return &offline{
		fixture: f, away: &switchable{Store: f.store},
		path: filepath.Join(t.TempDir(), "cache"), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
	}
}

func (o *offline) connectCached(ctx context.Context, t *testing.T, token secrets.Token) (*secrets.Session, error) {
	return secrets.ConnectCached(ctx, o.away, token, secrets.CacheOptions{
		Path: o.path, MaxStale: 24 * time.Hour, Logger: sweepLog(t), Now: func() time.Time { return o.now },
	})
}

// start starts the app as a new process does.
func (o *offline) start(t *testing.T) (string, error) {
	t.Helper()
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	sweepError(t, err)
	if err != nil {
		return "", err
	}
	return lookup(t.Context(), session, "A"), nil
}

func (o *offline) wantStart(t *testing.T, want string, wantErr error) {
	t.Helper()
	got, err := o.start(t)
	if got != want || !errors.Is(err, wantErr) {
		t.Errorf("got %q, %v; want %q, %v", got, err, want, wantErr)
	}
}

func TestAppStartsFromItsCacheWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.away.off.Store(true)
	o.wantStart(t, "", secrets.ErrUnavailable)
	o.away.off.Store(false)
	o.wantStart(t, "one", nil)
	o.away.off.Store(true)
	o.now = o.now.Add(23 * time.Hour)
	o.wantStart(t, "one", nil)

	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	env, err := session.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if since, stale := env.StaleSince(); !stale || o.now.Sub(since) != 23*time.Hour {
		t.Errorf("stale: %v, since %v", stale, since)
	}
	set(t, o.org, "a", "two")
	want(t, lookup(t.Context(), session, "A"), "one")
	o.away.off.Store(false)
	want(t, lookup(t.Context(), session, "A"), "two")
	if env, err = session.Environment(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, stale := env.StaleSince(); stale {
		t.Error("stale although the store is back")
	}
	o.away.off.Store(true)
	o.wantStart(t, "two", nil)
}

func TestCacheThatIsTooOldIsNotUsed(t *testing.T) {
	t.Parallel()
	for _, age := range []time.Duration{24*time.Hour + time.Second, 1000 * time.Hour, -25 * time.Hour} {
		o := newOffline(t)
		o.wantStart(t, "one", nil)
		o.away.off.Store(true)
		o.now = o.now.Add(age)
		o.wantStart(t, "", secrets.ErrUnavailable)
	}
}

func TestCacheIsOfNoUseToAnotherToken(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	o.away.off.Store(true)
	web := getService(t)(o.org.CreateService(t.Context(), "web"))
	other, err := web.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []secrets.Token{o.tokens[1], other} {
		_, err := o.connectCached(t.Context(), t, token)
		wantError(t, err, secrets.ErrUnavailable)
	}
}

func TestRevokedGrantLeavesTheCache(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	if err := o.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	o.wantStart(t, "absent", nil)
	o.away.off.Store(true)
	o.wantStart(t, "absent", nil)
}

func TestStoreThatAnswersIsNeverOverruledByTheCache(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	for _, e := range entries(t, o.store, "org/acme/secret/a") {
		restore(t, o.store, []storage.Entry{{Key: e.Key, Value: e.Value[1:]}})
	}
	o.wantStart(t, "", secrets.ErrTampered)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.connectCached(ended, t, o.tokens[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

func TestCacheFileIsSealed(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	info, err := os.Stat(o.path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	data, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	if found(data, []byte(planted)) || found(data, []byte("org/acme/secret")) {
		t.Error("it holds a value or a name")
	}
	o.away.off.Store(true)
	passed := 0
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		if err := os.WriteFile(o.path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		// The token's record has parts that only an administrator can verify.
		switch got, err := o.start(t); {
		case err == nil && got == "one":
			passed++
		case !errors.Is(err, secrets.ErrUnavailable):
			t.Errorf("flip at %d: %q, %v", i, got, err)
		}
	}
	if passed > 200 {
		t.Errorf("%d flips passed", passed)
	}
	for _, data := range [][]byte{nil, {1}, data[:len(data)-1], append(bytes.Clone(data), 0)} {
		if err := os.WriteFile(o.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		o.wantStart(t, "", secrets.ErrUnavailable)
	}
}

func TestOlderCacheIsRefusedByWhoHasSeenMore(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	set(t, o.org, "a", "two")
	want(t, lookup(t.Context(), session, "A"), "two")
	if err := os.WriteFile(o.path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	o.away.off.Store(true)
	_, err = session.Environment(t.Context())
	wantError(t, err, secrets.ErrUnavailable)
}

// A mute store answers no call before its context ends.
type mute struct{ storage.Store }

func (mute) Get(ctx context.Context, _ ...string) ([]storage.Entry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (mute) List(ctx context.Context, _, _ string, _ int) ([]storage.Entry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStoreThatHangsCountsAsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffline(t)
		o.wantStart(t, "one", nil)
		begin := time.Now()
		o.away.Store = mute{o.store}
		o.wantStart(t, "one", nil)
		if took := time.Since(begin); took > 11*time.Second { // two reads of 5 s
			t.Errorf("it took %v", took)
		}
	})
}

func TestBadCacheOptionsAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	for _, opts := range []secrets.CacheOptions{{}, {Path: o.path}, {MaxStale: time.Hour}} {
		if _, err := secrets.ConnectCached(t.Context(), o.store, o.tokens[0], opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
	// A cache that cannot be written hinders nobody.
	o.path = filepath.Join(t.TempDir(), "no folder", "cache")
	o.wantStart(t, "one", nil)
}

func TestWatcherWithACacheSaysWhenItIsStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffline(t)
		session, err := o.connectCached(t.Context(), t, o.tokens[0])
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var said []bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			for env, err := range session.Watch(ctx) {
				if err != nil {
					t.Error(err)
					return
				}
				_, stale := env.StaleSince()
				said = append(said, stale)
			}
		}()
		for _, away := range []bool{false, true, false} {
			o.away.off.Store(away)
			time.Sleep(5 * time.Minute)
		}
		stop()
		<-done
		if len(said) != 3 || said[0] || !said[1] || said[2] {
			t.Errorf("stale: %v", said)
		}
	})
}

func TestCacheLeaksNothing(t *testing.T) { // not parallel: it captures what is printed
	o := newOffline(t)
	secretstest.NoLeak(t, func() error {
		_, err := o.start(t)
		if err != nil {
			return err
		}
		o.away.off.Store(true)
		_ = os.WriteFile(o.path, []byte(planted), 0o600)
		_, err = o.start(t)
		return err
	}, planted, o.tokens[0].Reveal())
}
