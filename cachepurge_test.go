package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A denying store gives its error once there is one.
type denying struct {
	storage.Store
	err atomic.Pointer[error]
}

func (d *denying) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := d.err.Load(); err != nil {
		return nil, *err
	}
	return d.Store.Get(ctx, keys...)
}

func (d *denying) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := d.err.Load(); err != nil {
		return nil, *err
	}
	return d.Store.List(ctx, prefix, after, limit)
}

// The ways in which an app learns that it has lost access.
var learners = map[string]func(*testing.T, *offline, *secrets.Session) error{
	"a session that goes on": func(t *testing.T, _ *offline, session *secrets.Session) error {
		_, err := session.Environment(t.Context())
		return err
	},
	"the next start": func(t *testing.T, o *offline, _ *secrets.Session) error {
		_, err := o.start(t)
		return err
	},
	"a watcher": func(t *testing.T, _ *offline, session *secrets.Session) error {
		for _, err := range session.Watch(t.Context()) {
			if err != nil {
				return err
			}
		}
		return nil
	},
}

func TestLosingAccessRemovesTheCacheAtOnce(t *testing.T) {
	t.Parallel()
	ways := maps.Clone(losses)
	ways["access denied"] = nil
	for what, lose := range ways {
		for who, learn := range learners {
			t.Run(what+", "+who, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					o := newOffline(t)
					store, reason := &denying{Store: o.store}, secrets.ErrUnauthenticated
					o.away.Store = store
					session, err := o.connectCached(t.Context(), t, o.tokens[0])
					if err != nil {
						t.Fatal(err)
					}
					if lose == nil {
						reason = fs.ErrPermission
						store.err.Store(&reason)
					} else if err := lose(t.Context(), o.fixture, o.tokens[0]); err != nil {
						t.Fatal(err)
					}
					wantError(t, learn(t, o, session), reason)
					if _, err := os.Lstat(o.path); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("the file is there: %v", err)
					}
					o.away.off.Store(true)
					_, err = session.Environment(t.Context())
					wantError(t, err, secrets.ErrUnavailable)
					o.wantStart(t, "", secrets.ErrUnavailable)
				})
			})
		}
	}
}

// A firewall of the app's own machine forbids to send.
func TestStoreThatTheSystemForbidsToReachIsAway(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	store, err := &denying{Store: o.store}, fmt.Errorf("%w: %w", storage.ErrUnavailable, syscall.EPERM)
	o.away.Store = store
	o.wantStart(t, "one", nil)
	store.err.Store(&err)
	o.wantStart(t, "one", nil)
}

// Within one process also a file that is put back is of no use.
func TestCacheThatIsPutBackAfterAccessWasLostIsNotServed(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.api.RevokeToken(t.Context(), o.tokens[0].ID()); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	if err := os.WriteFile(o.path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	o.away.off.Store(true)
	_, err = session.Environment(t.Context())
	wantError(t, err, secrets.ErrUnavailable)
}
