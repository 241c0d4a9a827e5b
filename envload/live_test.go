package envload_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A liveConfig is good if its port is.
type liveConfig struct {
	Database string `env:"DATABASE_URL,required"`
	Port     int    `env:"PORT" envDefault:"1"`
}

func (c *liveConfig) Validate() error {
	if c.Port > 65535 {
		return fmt.Errorf("port %d of %s", c.Port, c.Database) // which envload must not repeat
	}
	return nil
}

// A platform is what stands on the other side of a watcher.
type platform struct {
	org     *secrets.Organization
	api     *secrets.Service
	token   secrets.Token
	session *secrets.Session
	store   *flaky
}

// A flaky store cannot be read while it is off.
type flaky struct {
	storage.Store
	off atomic.Bool
}

func (s *flaky) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if s.off.Load() {
		return nil, storage.ErrUnavailable
	}
	return s.Store.Get(ctx, keys...)
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	org, store := secretstest.New(t)
	p := &platform{org: org, store: &flaky{Store: store}}
	var err error
	if p.api, err = org.CreateService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	p.give(t, "database-url", "one")
	if p.token, err = p.api.IssueToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.session, err = secrets.Connect(t.Context(), p.store, p.token); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *platform) give(t *testing.T, name secrets.Name, value string) {
	t.Helper()
	if _, err := p.org.SetSecret(t.Context(), name, secrets.Text(value)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.api.Grant(t.Context(), name, ""); err != nil {
		t.Fatal(err)
	}
}

// hermetic is not what the shell says.
var hermetic = &envload.Options{Base: []string{}}

func watch(t *testing.T, src secrets.Source) (*envload.Live[liveConfig], context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	live, err := envload.Watch[liveConfig](ctx, src, hermetic)
	if err != nil {
		t.Fatal(err)
	}
	return live, func() {
		stop()
		<-live.Done()
	}
}

func wantLive(t *testing.T, live *envload.Live[liveConfig], want *liveConfig) {
	t.Helper()
	time.Sleep(time.Minute) // in a bubble
	synctest.Wait()
	if diff := cmp.Diff(want, live.Get()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLiveFollowsWhatIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		live, stop := watch(t, p.session)
		defer stop()
		var changes []string
		live.OnChange(func(before, now *liveConfig) { changes = append(changes, before.Database+" to "+now.Database) })
		wantLive(t, live, &liveConfig{"one", 1})
		p.give(t, "database-url", "two")
		wantLive(t, live, &liveConfig{"two", 1})
		p.give(t, "port", "8080")
		wantLive(t, live, &liveConfig{"two", 8080})
		if err := p.api.Revoke(t.Context(), "port"); err != nil {
			t.Fatal(err)
		}
		wantLive(t, live, &liveConfig{"two", 1})
		if diff := cmp.Diff([]string{"one to two", "two to two", "two to two"}, changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		if s := live.Status(); s.Err != nil || s.Stale || s.Lost {
			t.Errorf("%+v", s)
		}
	})
}

func TestLiveKeepsTheLastGoodValue(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*testing.T, *platform)
		err    error
		mends  func(*testing.T, *platform)
		after  *liveConfig
	}{
		"a value that does not parse": {
			func(t *testing.T, p *platform) { p.give(t, "port", "not a port") }, envload.ErrParse,
			func(t *testing.T, p *platform) { p.give(t, "port", "2") }, &liveConfig{"one", 2},
		},
		"a value that is not valid": {
			func(t *testing.T, p *platform) { p.give(t, "port", "65536") }, envload.ErrInvalid,
			func(t *testing.T, p *platform) { p.give(t, "port", "3") }, &liveConfig{"one", 3},
		},
		"a required secret that was revoked": {
			func(t *testing.T, p *platform) {
				if err := p.api.Revoke(t.Context(), "database-url"); err != nil {
					t.Fatal(err)
				}
			}, envload.ErrMissing,
			func(t *testing.T, p *platform) { p.give(t, "database-url", "back") }, &liveConfig{"back", 1},
		},
		"a store that cannot be read": {
			func(t *testing.T, p *platform) {
				p.store.off.Store(true)
				p.give(t, "database-url", "later")
			}, secrets.ErrUnavailable,
			func(t *testing.T, p *platform) { p.store.off.Store(false) }, &liveConfig{"later", 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				live, stop := watch(t, p.session)
				defer stop()
				var said []envload.Status
				live.OnStatus(func(s envload.Status) { said = append(said, s) })
				c.breaks(t, p)
				wantLive(t, live, &liveConfig{"one", 1})
				secretstest.NoLeak(t, func() error { return live.Status().Err }, "not a port", "port 65536 of one")
				if s := live.Status(); !s.Stale || s.Lost || !errors.Is(s.Err, c.err) || s.Since.IsZero() {
					t.Errorf("%+v", s)
				}
				c.mends(t, p)
				wantLive(t, live, c.after)
				if s := live.Status(); s.Stale || s.Err != nil {
					t.Errorf("%+v", s)
				}
				if len(said) != 2 || !said[0].Stale || said[1].Stale {
					t.Errorf("%+v", said)
				}
			})
		})
	}
}

func TestLiveDropsTheValueWhenAccessIsLost(t *testing.T) {
	for name, lose := range map[string]func(context.Context, *platform) error{
		"token revoked":   func(ctx context.Context, p *platform) error { return p.api.RevokeToken(ctx, p.token.ID()) },
		"service deleted": func(ctx context.Context, p *platform) error { return p.org.DeleteService(ctx, "api") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				live, stop := watch(t, p.session)
				defer stop()
				dropped := false
				live.OnChange(func(_, now *liveConfig) { dropped = now == nil })
				begin := time.Now()
				if err := lose(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				<-live.Done()
				if took := time.Since(begin); took > 0 { // in a bubble
					t.Errorf("it took %v", took)
				}
				wantLive(t, live, nil)
				if s := live.Status(); !dropped || !s.Lost || s.Stale || !errors.Is(s.Err, secrets.ErrUnauthenticated) {
					t.Errorf("%+v, dropped: %v", s, dropped)
				}
			})
		})
	}
}

func TestWatchFailsIfTheFirstValueIsNotGood(t *testing.T) {
	t.Parallel()
	good := map[string]string{"DATABASE_URL": "one"}
	bad := map[string]string{"DATABASE_URL": "one", "PORT": "65536"}
	for name, c := range map[string]struct {
		src secrets.Source
		err error
	}{
		"missing":     {secretstest.Environment(t, nil), envload.ErrMissing},
		"not valid":   {secretstest.Environment(t, bad), envload.ErrInvalid},
		"nil":         {nil, envload.ErrOptions},
		"nil session": {(*secrets.Session)(nil), envload.ErrOptions},
		"no watcher":  {plain{secretstest.Environment(t, good)}, envload.ErrOptions},
	} {
		live, err := envload.Watch[liveConfig](t.Context(), c.src, hermetic)
		if live != nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := envload.Watch[liveConfig](ended, secretstest.Environment(t, good), hermetic); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

// A plain source cannot be watched.
type plain struct{ env *secrets.Environment }

func (p plain) Environment(context.Context) (*secrets.Environment, error) { return p.env, nil }

func TestGetOfALiveDoesNotAllocate(t *testing.T) { // not parallel: it counts allocations
	live, stop := watch(t, secretstest.Environment(t, map[string]string{"DATABASE_URL": "one"}))
	defer stop()
	if n := testing.AllocsPerRun(1000, func() { _ = live.Get() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
