package secrets_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// An updating process has updated the secret a, which two services are granted,
// and its next update need not read.
type updating struct {
	*fixture
	store *counting
	org   *secrets.Organization
	web   *secrets.Service // of another process
}

func newUpdating(t *testing.T) *updating {
	t.Helper()
	f := newFixture(t)
	f.give(t, "a", "one")
	web := getService(t)(f.org.CreateService(t.Context(), "web"))
	if _, err := web.Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	store := &counting{Store: f.store}
	u := &updating{fixture: f, store: store, org: get(t)(f.open(t, store).Organization(t.Context(), "acme")), web: web}
	made(t)(u.org.UpdateSecret(t.Context(), "a", text("two"), nil))
	u.store.reads.Store(0)
	u.store.commits.Store(0)
	return u
}

// update updates the secret, and fails the test unless that takes so many calls.
func (u *updating) update(t *testing.T, value string, reads, commits int64) {
	t.Helper()
	made(t)(u.org.UpdateSecret(t.Context(), "a", text(value), nil))
	u.wantCalls(t, reads, commits)
}

func (u *updating) wantCalls(t *testing.T, reads, commits int64) {
	t.Helper()
	if r, c := u.store.reads.Swap(0), u.store.commits.Swap(0); r != reads || c != commits {
		t.Errorf("%d reads and %d commits, want %d and %d", r, c, reads, commits)
	}
}

// wantRead fails the test unless both services read so, in a process without memory.
func (u *updating) wantRead(t *testing.T, api, web string) {
	t.Helper()
	c := u.clone(t)
	want(t, lookup(t.Context(), c.api, "A"), api)
	want(t, lookup(t.Context(), getService(t)(c.org.Service(t.Context(), "web")), "A"), web)
}

func TestWhoHasUpdatedASecretUpdatesItAgainWithoutARead(t *testing.T) {
	t.Parallel()
	u := newUpdating(t)
	for n := range 5 {
		value := fmt.Sprint("value ", n)
		u.update(t, value, 0, 1)
		u.wantRead(t, value, value)
	}
	s, err := u.fixture.org.Secret(t.Context(), "a")
	if err != nil || s.Version != 7 {
		t.Errorf("version %d, %v", s.Version, err)
	}
}

// What an update goes by is what its process has left, and its commit fails if
// that is not so any more.
func TestAnUpdateWithoutAReadKeepsWhatOthersHaveDoneMeanwhile(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do       func(*testing.T, *updating) error // in another process
		api, web string                            // read the last value, or what else
	}{
		"update": {func(t *testing.T, u *updating) error {
			return failure(u.fixture.org.UpdateSecret(t.Context(), "a", text("else"), nil))
		}, "last", "last"},
		"revoke": {func(t *testing.T, u *updating) error { return u.web.Revoke(t.Context(), "a") }, "last", "absent"},
		"delete the service and create it again": {func(t *testing.T, u *updating) error {
			if err := u.fixture.org.DeleteService(t.Context(), "web"); err != nil {
				return err
			}
			return failure(u.fixture.org.CreateService(t.Context(), "web"))
		}, "last", "absent"},
		"issue a token":                       {func(t *testing.T, u *updating) error { return failure(u.web.IssueToken(t.Context())) }, "last", "last"},
		"move":                                {func(t *testing.T, u *updating) error { return failure(u.web.Grant(t.Context(), "a", "ELSEWHERE")) }, "last", "absent"},
		"replace the key of the organization": {func(t *testing.T, u *updating) error { return u.fixture.org.RotateKey(t.Context(), nil) }, "last", "last"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			u := newUpdating(t)
			if err := c.do(t, u); err != nil {
				t.Fatal(err)
			}
			made(t)(u.org.UpdateSecret(t.Context(), "a", text("last"), nil))
			u.wantRead(t, c.api, c.web)
			u.store.reads.Store(0)
			u.store.commits.Store(0)
			u.update(t, "last", 0, 1)
			u.wantRead(t, c.api, c.web)
		})
	}
}

func TestAnUpdateWithoutAReadMeetsADeletion(t *testing.T) {
	t.Parallel()
	for what, again := range map[string]bool{"deleted": false, "and created again": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			u := newUpdating(t)
			first := made(t)(u.fixture.org.Secret(t.Context(), "a"))
			if err := u.fixture.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
				t.Fatal(err)
			}
			if !again {
				wantError(t, failure(u.org.UpdateSecret(t.Context(), "a", text("last"), nil)), secrets.ErrNotFound)
				return
			}
			made(t)(u.fixture.org.CreateSecret(t.Context(), "a", text("successor")))
			wantError(t, failure(u.org.UpdateSecret(t.Context(), "a", text("last"), &secrets.UpdateOptions{IfID: first.ID})), secrets.ErrConflict)
			made(t)(u.org.UpdateSecret(t.Context(), "a", text("last"), nil))
			u.wantRead(t, "absent", "absent")
		})
	}
}

// An error is never said of what is only remembered.
func TestAConditionThatDoesNotHoldOfWhatIsRememberedIsReadFirst(t *testing.T) {
	t.Parallel()
	u := newUpdating(t)
	made(t)(u.fixture.org.UpdateSecret(t.Context(), "a", text("three"), nil))
	made(t)(u.org.UpdateSecret(t.Context(), "a", text("four"), &secrets.UpdateOptions{IfVersion: 3}))
	u.wantCalls(t, 2, 1)
	wantError(t, failure(u.org.UpdateSecret(t.Context(), "a", text("five"), &secrets.UpdateOptions{IfVersion: 3})), secrets.ErrConflict)
	u.wantRead(t, "four", "four")
}

// The row is hidden while another process replaces the key, so the secret stays
// as it is remembered. The thief has the token that was revoked.
func TestAnUpdateWithoutAReadPutsNothingForAKeyThatWasReplaced(t *testing.T) {
	t.Parallel()
	u := newUpdating(t)
	stolen := u.token(t)
	made(t)(u.org.UpdateSecret(t.Context(), "a", text("two"), nil)) // remembers the token's service
	th := steal(t, u.fixture.store, stolen)
	row := stored(t, u.fixture.store, th.rowKey("a"))
	remove(t, u.fixture.store, row.Key)
	if err := u.api.RevokeToken(t.Context(), stolen.ID()); err != nil {
		t.Fatal(err)
	}
	restore(t, u.fixture.store, []storage.Entry{row})
	_, err := u.org.UpdateSecret(t.Context(), "a", text("for those who may"), nil)
	if got, ok := th.reads(t, u.fixture.store, "a", stored(t, u.fixture.store, row.Key).Value); ok && got != "two" {
		t.Errorf("the thief reads %q, %v", got, err)
	}
	wantError(t, err, secrets.ErrTampered)
}

func TestWhatIsRememberedForAnUpdateIsBounded(t *testing.T) {
	t.Parallel()
	u := newUpdating(t)
	u.update(t, strings.Repeat("v", 20<<10), 0, 1)
	u.update(t, "small", 2, 1)
	u.update(t, "again", 0, 1)
	for _, name := range names("other", 300) {
		made(t)(u.org.CreateSecret(t.Context(), name, text("v")))
		made(t)(u.org.UpdateSecret(t.Context(), name, text("w"), nil))
	}
	remembered := 0
	for _, name := range names("other", 300) {
		u.store.reads.Store(0)
		made(t)(u.org.UpdateSecret(t.Context(), name, text("x"), nil))
		if u.store.reads.Load() == 0 {
			remembered++
		}
	}
	if remembered == 0 || remembered > 128 {
		t.Errorf("%d secrets are remembered, want at most 128", remembered)
	}
}

func TestWhatIsRememberedForAnUpdateIsForgottenInTime(t *testing.T) {
	t.Parallel()
	if !isMemory() {
		return // a store with goroutines of its own keeps the bubble from sleeping
	}
	f := newUpdating(t).fixture
	synctest.Test(t, func(t *testing.T) {
		c := f.cloneOn(t, newMemory(t))
		store := &counting{Store: c.store}
		org := get(t)(c.open(t, store).Organization(t.Context(), "acme"))
		for after, reads := range map[time.Duration]int64{59 * time.Second: 0, 61 * time.Second: 2} {
			made(t)(org.UpdateSecret(t.Context(), "a", text("v"), nil))
			store.reads.Store(0)
			time.Sleep(after)
			made(t)(org.UpdateSecret(t.Context(), "a", text("w"), nil))
			if got := store.reads.Load(); got != reads {
				t.Errorf("after %v: %d reads, want %d", after, got, reads)
			}
		}
	})
}

// A store of the user's own need not say which version a commit gave.
func TestAnUpdateReadsWhereTheStoreDoesNotSayVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &tacit{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	for n := range 3 {
		store.reads = 0
		value := fmt.Sprint("value ", n)
		made(t)(org.UpdateSecret(t.Context(), "a", text(value), nil))
		want(t, lookup(t.Context(), f.api, "A"), value)
		if store.reads != 2 {
			t.Errorf("%d reads, want 2", store.reads)
		}
	}
}

// A tacit store is no [storage.Versioner].
type tacit struct {
	storage.Store
	reads int
}

func (m *tacit) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	m.reads++
	return m.Store.Get(ctx, keys...)
}
