package secrets_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// wantEnd fails the test unless a watcher ends at that time, as far as a record
// can say it, and not before.
func (w *watch) wantEnd(t *testing.T, at time.Time, said ...string) {
	t.Helper()
	<-w.done
	if late := time.Since(at); late > 0 || late <= -time.Millisecond {
		t.Errorf("it ended %v late", late)
	}
	wantSaid(t, w, said...)
}

func TestWatcherEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
	expired, unavailable := secrets.ErrUnauthenticated.Error(), secrets.ErrUnavailable.Error()
	for what, test := range map[string]struct {
		valid time.Duration
		spoil func(*testing.T, *fixture, *outage) // once the watcher is idle
		said  []string
	}{
		"over an idle store, before it looks by itself": {10 * time.Second, nil, []string{expired}},
		"over an idle store, after it has":              {time.Hour + 10*time.Second, nil, []string{expired}},
		"while the store is away": {time.Hour, func(t *testing.T, f *fixture, store *outage) {
			store.lost.Store(lasting)
			set(t, f.org, "a", "two")
		}, []string{unavailable, expired}},
		"while the store does not answer a read": {10 * time.Second, func(t *testing.T, f *fixture, store *outage) {
			store.hangs = true
			store.lost.Store(lasting)
			set(t, f.org, "a", "two")
		}, []string{expired}},
		"while the store does not answer its own look": {time.Minute + time.Second, func(_ *testing.T, _ *fixture, store *outage) {
			store.hangs = true
			store.lost.Store(lasting)
		}, []string{expired}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureOn(t, newMemory(t))
				f.give(t, "a", "one")
				expires := time.Now().Add(test.valid)
				store := &outage{Store: f.store}
				w := watchA(t, connectOver(t, store, f.tokenUntil(t, expires)))
				wantSaid(t, w, "one")
				if test.spoil != nil {
					test.spoil(t, f, store)
				}
				w.wantEnd(t, expires, test.said...)
			})
		})
	}
}

func TestWatcherEndsWhenItsTokenExpiresThoughItNeverBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		store := &outage{Store: f.store, hangs: true}
		expires := time.Now().Add(10 * time.Second)
		session := connectOver(t, store, f.tokenUntil(t, expires))
		store.lost.Store(lasting)
		watchA(t, session).wantEnd(t, expires, secrets.ErrUnauthenticated.Error())
	})
}

func TestWatcherOfATokenThatHasExpiredBegunBeforeEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		session := f.connect(t, f.tokenFor(t, time.Second))
		time.Sleep(time.Hour)
		watchA(t, session).wantEnd(t, time.Now(), secrets.ErrUnauthenticated.Error())
	})
}

// expiring gives the app a token that is valid for d, by its own clock.
func (o *offline) expiring(t *testing.T, d time.Duration) {
	t.Helper()
	token, err := o.serviceAt(t, o.now).IssueTokenUntil(t.Context(), o.now.Add(d))
	if err != nil {
		t.Fatal(err)
	}
	o.tokens[0] = token
}

func (o *offline) wantNoFile(t *testing.T) {
	t.Helper()
	if _, err := os.Lstat(o.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestATokenThatExpiredIsNotServedFromTheCacheAndRemovesIt(t *testing.T) {
	t.Parallel()
	for what, away := range map[string]bool{"store there": false, "store away": true} {
		for who, running := range map[string]bool{"running session": true, "new process": false} {
			t.Run(what+", "+who, func(t *testing.T) {
				t.Parallel()
				o := newOffline(t)
				o.expiring(t, time.Hour)
				session, err := o.connectCached(t.Context(), t, o.tokens[0])
				if err != nil {
					t.Fatal(err)
				}
				o.away.off.Store(away)
				o.now = o.now.Add(time.Hour - time.Millisecond)
				want(t, lookup(t.Context(), session, "A"), "one")
				o.wantStart(t, "one", nil)
				o.now = o.now.Add(time.Millisecond)
				if running {
					want(t, lookup(t.Context(), session, "A"), secrets.ErrUnauthenticated.Error())
				} else {
					o.wantStart(t, "", secrets.ErrUnauthenticated)
				}
				o.wantNoFile(t)
				// Nobody brings it back with the clock.
				o.away.off.Store(true)
				o.now = o.now.Add(-time.Minute)
				o.wantStart(t, "", secrets.ErrUnavailable)
			})
		}
	}
}

// Whoever writes to the app's disk has no token either.
func TestAnExpiryThatIsEditedInTheCacheMakesItUseless(t *testing.T) {
	t.Parallel()
	for what, expires := range map[string]uint64{"removed": 0, "later": uint64(year2100.UnixMilli())} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newOffline(t)
			o.expiring(t, time.Hour)
			o.wantStart(t, "one", nil)
			o.away.off.Store(true)
			data, err := os.ReadFile(o.path)
			if err != nil {
				t.Fatal(err)
			}
			file := unpack[struct {
				Token  []byte `cbor:"1,keyasint"`
				Sealed []byte `cbor:"2,keyasint"`
			}](t, data)
			write := func(record stolenToken) {
				file.Token = untagged(t, record)
				if err := os.WriteFile(o.path, untagged(t, file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			record := unpack[stolenToken](t, file.Token)
			write(record)
			o.wantStart(t, "one", nil) // it is read as the app does
			record.Expires = expires
			write(record)
			o.wantStart(t, "", secrets.ErrUnavailable)
		})
	}
}

func TestWatcherWithACacheEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
	for what, away := range map[string]bool{"store there": false, "store away": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := newOffline(t)
				o.now = time.Now()
				o.expiring(t, time.Hour+time.Second)
				expires := o.now.Add(time.Hour + time.Second)
				o.wantStart(t, "one", nil)
				o.away.off.Store(away)
				session, err := secrets.ConnectCached(t.Context(), o.away, o.tokens[0], secrets.CacheOptions{
					Path: o.path, MaxStale: 24 * time.Hour, Logger: sweepLog(t),
				})
				if err != nil {
					t.Fatal(err)
				}
				w := watchA(t, session)
				wantSaid(t, w, "one")
				w.wantEnd(t, expires, secrets.ErrUnauthenticated.Error())
				o.wantNoFile(t)
			})
		})
	}
}
