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
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A slow store has answered a Get, and something happens before its caller
// learns that. It is for one goroutine.
type slow struct {
	storage.Store
	meanwhile func() // once
}

func (s *slow) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := s.Store.Get(ctx, keys...)
	if do := s.meanwhile; do != nil {
		s.meanwhile = nil
		do()
	}
	return found, err
}

// overtake makes a read that another one overtakes, which begins after change
// and sees what is wanted of it.
func (o *offline) overtake(t *testing.T, change func() error, wanted string) {
	t.Helper()
	store := &slow{Store: o.store}
	o.away.Store = store
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	set(t, o.org, "b", "other, so that each read writes the file")
	store.meanwhile = func() {
		if err := change(); err != nil {
			t.Error(err)
		}
		want(t, lookup(t.Context(), session, "A"), wanted)
	}
	want(t, lookup(t.Context(), session, "A"), "one") // it began before
}

func TestCacheIsNotWrittenByAReadThatWasOvertaken(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.overtake(t, func() error { return o.api.Revoke(t.Context(), "a") }, "absent")
	o.away.off.Store(true)
	o.wantStart(t, "absent", nil)
}

func TestCacheIsNotBroughtBackByAReadThatWasOvertaken(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	revoke := func() error { return o.api.RevokeToken(t.Context(), o.tokens[0].ID()) }
	o.overtake(t, revoke, secrets.ErrUnauthenticated.Error())
	o.away.off.Store(true)
	o.wantStart(t, "", secrets.ErrUnavailable)
}

func TestOlderCacheIsRefusedByWhoHasSeenItsGrantRevoked(t *testing.T) {
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
	if err := o.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(time.Minute)
	want(t, lookup(t.Context(), session, "A"), "absent")
	if err := os.WriteFile(o.path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	o.away.off.Store(true)
	_, err = session.Environment(t.Context())
	wantError(t, err, secrets.ErrUnavailable)
}

func TestLosingAccessLeavesAFolderThatIsNoCache(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	if err := os.Mkdir(o.path, 0o700); err != nil {
		t.Fatal(err)
	}
	session, err := o.connectCached(t.Context(), t, o.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := o.api.RevokeToken(t.Context(), o.tokens[0].ID()); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
	if _, err := os.Stat(o.path); err != nil {
		t.Error(err)
	}
}

func TestCacheIsReadBeforeAContextEndsThatIsShorterThanTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffline(t)
		o.wantStart(t, "one", nil)
		o.away.Store = mute{o.store}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := o.connectCached(ctx, t, o.tokens[0]); err != nil {
			t.Error(err)
		}
	})
}

// ErrTampered is about the database, and calls people out of bed.
func TestDamagedCacheIsNoTampering(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	if err := os.WriteFile(o.path, []byte("cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.away.off.Store(true)
	_, err := o.start(t)
	wantError(t, err, secrets.ErrUnavailable)
	if errors.Is(err, secrets.ErrTampered) {
		t.Error(err)
	}
}

// Whoever has the file open, or a power failure, finds the old one whole.
func TestCacheIsReplacedAndNotWrittenTo(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	older := o.path + ".older"
	if err := os.Link(o.path, older); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(older)
	if err != nil {
		t.Fatal(err)
	}
	set(t, o.org, "a", "two")
	o.wantStart(t, "two", nil)
	if after, err := os.ReadFile(older); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was written to, %v", err)
	}
	if now, err := os.ReadFile(o.path); err != nil || bytes.Equal(before, now) {
		t.Errorf("the file was not replaced, %v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(o.path)); err != nil || len(files) != 2 {
		t.Errorf("%v is left, %v", files, err)
	}
}
