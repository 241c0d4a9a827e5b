package secrets_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
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

// whileUpdating calls do in a bubble, where a commit takes no time.
func whileUpdating(t *testing.T, do func(*testing.T, *updating)) {
	t.Helper()
	f := newFixture(t)
	f.give(t, "a", "one")
	if _, err := getService(t)(f.org.CreateService(t.Context(), "web")).Grant(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		u := &updating{fixture: f.clone(t)}
		u.store = &counting{Store: u.fixture.store}
		u.org = get(t)(u.open(t, u.store).Organization(t.Context(), "acme"))
		u.web = getService(t)(u.fixture.org.Service(t.Context(), "web"))
		made(t)(u.org.UpdateSecret(t.Context(), "a", text("two"), nil))
		u.store.reads.Store(0)
		u.store.commits.Store(0)
		do(t, u)
	})
}

// update updates the secret, and fails the test unless that takes so many calls.
func (u *updating) update(t *testing.T, value string, reads, commits int64) {
	t.Helper()
	made(t)(u.org.UpdateSecret(t.Context(), "a", text(value), nil))
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
	whileUpdating(t, func(t *testing.T, u *updating) {
		for n := range 5 {
			value := fmt.Sprint("value ", n)
			u.update(t, value, 0, 1)
			u.wantRead(t, value, value)
		}
		s, err := u.fixture.org.Secret(t.Context(), "a")
		if err != nil || s.Version != 7 {
			t.Errorf("version %d, %v", s.Version, err)
		}
	})
}

// What an update goes by is what its process has left, and its commit fails if
// that is not so any more.
func TestAnUpdateWithoutAReadKeepsWhatOthersHaveDoneMeanwhile(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do       func(context.Context, *updating) error // in another process
		api, web string                                 // what they read afterwards
	}{
		"update": {func(ctx context.Context, u *updating) error {
			return failure(u.fixture.org.UpdateSecret(ctx, "a", text("else"), nil))
		}, "last", "last"},
		"revoke": {func(ctx context.Context, u *updating) error { return u.web.Revoke(ctx, "a") }, "last", "absent"},
		"delete the service and create it again": {func(ctx context.Context, u *updating) error {
			if err := u.fixture.org.DeleteService(ctx, "web"); err != nil {
				return err
			}
			return failure(u.fixture.org.CreateService(ctx, "web"))
		}, "last", "absent"},
		"issue a token": {func(ctx context.Context, u *updating) error { return failure(u.web.IssueToken(ctx)) }, "last", "last"},
		"move":          {func(ctx context.Context, u *updating) error { return failure(u.web.Grant(ctx, "a", "ELSEWHERE")) }, "last", "absent"},
		"replace the key of the organization": {func(ctx context.Context, u *updating) error {
			return u.fixture.org.RotateKey(ctx, nil)
		}, "last", "last"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			whileUpdating(t, func(t *testing.T, u *updating) {
				if err := c.do(t.Context(), u); err != nil {
					t.Fatal(err)
				}
				made(t)(u.org.UpdateSecret(t.Context(), "a", text("last"), nil))
				u.wantRead(t, c.api, c.web)
				u.store.reads.Store(0)
				u.store.commits.Store(0)
				u.update(t, "last", 0, 1)
				u.wantRead(t, c.api, c.web)
			})
		})
	}
}

func TestAnUpdateWithoutAReadMeetsADeletion(t *testing.T) {
	t.Parallel()
	for what, again := range map[string]bool{"deleted": false, "and created again": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			whileUpdating(t, func(t *testing.T, u *updating) {
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
		})
	}
}

// An error is never said of what is only remembered.
func TestAConditionThatDoesNotHoldOfWhatIsRememberedIsReadFirst(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		made(t)(u.fixture.org.UpdateSecret(t.Context(), "a", text("three"), nil))
		third := &secrets.UpdateOptions{IfVersion: 3}
		made(t)(u.org.UpdateSecret(t.Context(), "a", text("four"), third))
		if reads, commits := u.store.reads.Load(), u.store.commits.Load(); reads != 2 || commits != 1 {
			t.Errorf("%d reads and %d commits, want 2 and 1", reads, commits)
		}
		wantError(t, failure(u.org.UpdateSecret(t.Context(), "a", text("five"), third)), secrets.ErrConflict)
		u.wantRead(t, "four", "four")
	})
}

func TestWhatIsRememberedForAnUpdateIsBounded(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		u.update(t, strings.Repeat("v", 20<<10), 0, 1)
		u.update(t, "small", 2, 1)
		u.update(t, "again", 0, 1)
		for _, name := range names("other", 100) {
			made(t)(u.org.CreateSecret(t.Context(), name, text("v")))
			made(t)(u.org.UpdateSecret(t.Context(), name, text("w"), nil))
		}
		remembered := 0
		for _, name := range names("other", 100) {
			u.store.reads.Store(0)
			made(t)(u.org.UpdateSecret(t.Context(), name, text("x"), nil))
			if u.store.reads.Load() == 0 {
				remembered++
			}
		}
		if remembered == 0 || remembered > 32 {
			t.Errorf("%d secrets are remembered, want at most 32", remembered)
		}
	})
}

func TestWhatIsRememberedForAnUpdateIsForgottenInTime(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		time.Sleep(9 * time.Second)
		u.update(t, "in time", 0, 1)
		time.Sleep(11 * time.Second)
		u.update(t, "too late", 2, 1)
	})
}

// A store of the user's own need not say which version a commit gave.
func TestAnUpdateReadsWhereTheStoreDoesNotSayVersions(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		store := &tacit{Store: u.fixture.store}
		org := get(t)(u.open(t, store).Organization(t.Context(), "acme"))
		for n := range 3 {
			store.reads = 0
			value := fmt.Sprint("value ", n)
			made(t)(org.UpdateSecret(t.Context(), "a", text(value), nil))
			u.wantRead(t, value, value)
			if store.reads != 2 {
				t.Errorf("%d reads, want 2", store.reads)
			}
		}
	})
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

// A far store is a network away, and commits one batch after the other.
type far struct {
	storage.Store
	one chan struct{} // held by the one that commits
}

const away = time.Millisecond

func (f far) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	time.Sleep(away)
	defer time.Sleep(away)
	return f.Store.Get(ctx, keys...)
}

func (f far) Commit(ctx context.Context, b storage.Batch) error {
	_, err := f.CommitVersion(ctx, b)
	return err
}

func (f far) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	time.Sleep(away)
	defer time.Sleep(away)
	f.one <- struct{}{}
	defer func() { <-f.one }()
	time.Sleep(2 * away)
	return storage.Commit(ctx, f.Store, b)
}

// Who need not read is ahead of all who must, and would never let them through if
// it did not wait.
func TestOthersGetThroughBesideAProcessThatUpdatesAllTheTime(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]func(context.Context, process) error{
		"update": func(ctx context.Context, p process) error {
			return failure(p.org.UpdateSecret(ctx, "a", text("else"), nil))
		},
		"revoke": func(ctx context.Context, p process) error { return p.api.Revoke(ctx, "a") },
		"move":   func(ctx context.Context, p process) error { return failure(p.api.Grant(ctx, "a", "ELSEWHERE")) },
	} {
		for _, pause := range []time.Duration{0, 2 * away, 5 * away, 9 * away} {
			t.Run(fmt.Sprint(what, " beside updates with a pause of ", pause), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.give(t, "a", "one")
				synctest.Test(t, func(t *testing.T) {
					c := f.cloneOn(t, newMemory(t))
					one := make(chan struct{}, 1)
					busy, other := c.elsewhere(t, far{c.store, one}), c.elsewhere(t, far{c.store, one})
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					var group sync.WaitGroup
					defer group.Wait()
					defer stop()
					group.Go(func() {
						for ctx.Err() == nil {
							_, _ = busy.org.UpdateSecret(ctx, "a", text("v"), nil)
							time.Sleep(pause)
						}
					})
					time.Sleep(time.Second)
					began := time.Now()
					if err := do(t.Context(), other); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > time.Second {
						t.Errorf("it took %v", took)
					}
				})
			})
		}
	}
}
