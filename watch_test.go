package secrets_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A watch notes what a watcher yields: the variable A, or the error.
type watch struct {
	news chan string
	stop context.CancelFunc
	done chan struct{}
}

func watchA(t *testing.T, session *secrets.Session) *watch {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &watch{news: make(chan string, 100), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for env, err := range session.Watch(ctx) {
			sweepError(t, err)
			if err != nil {
				w.news <- known(err)
				continue
			}
			v, ok := env.Lookup("A")
			if !ok {
				w.news <- "absent"
				continue
			}
			w.news <- reveal(v)
		}
	}()
	return w
}

func known(err error) string {
	for _, sentinel := range []error{secrets.ErrUnauthenticated, secrets.ErrUnavailable, secrets.ErrTampered, storage.ErrClosed} {
		if errors.Is(err, sentinel) {
			return sentinel.Error()
		}
	}
	return err.Error()
}

// said returns what was yielded since, once everything is quiet. A store that
// polls has signalled within a second, which costs nothing in a bubble.
func (w *watch) said() (all []string) {
	time.Sleep(time.Second)
	synctest.Wait()
	for {
		select {
		case news := <-w.news:
			all = append(all, news)
		default:
			return all
		}
	}
}

func (w *watch) end(t *testing.T) {
	t.Helper()
	w.stop()
	<-w.done
	if left := w.said(); len(left) > 0 {
		t.Errorf("at the end it yields %q", left)
	}
}

func wantSaid(t *testing.T, w *watch, want ...string) {
	t.Helper()
	got := w.said()
	if len(got) != len(want) {
		t.Errorf("yielded %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("yielded %q, want %q", got, want)
		}
	}
}

func set(t *testing.T, org *secrets.Organization, name secrets.Name, value string) {
	t.Helper()
	if _, err := org.SetSecret(t.Context(), name, text(value)); err != nil {
		t.Fatal(err)
	}
}

func TestWatcherYieldsEachChangeOfItsEnvironmentAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		w := watchA(t, f.connect(t, f.token(t)))
		wantSaid(t, w, "one")
		set(t, f.org, "a", "two")
		wantSaid(t, w, "two")
		set(t, f.org, "other", "not granted")
		wantSaid(t, w)
		if err := f.api.Revoke(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		wantSaid(t, w, "absent")
		f.give(t, "a", "three")
		wantSaid(t, w, "three")
		if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
			t.Fatal(err)
		}
		wantSaid(t, w, "absent")
		w.end(t)
	})
}

// Of any store, in real time.
func TestWatcherSeesWhatAnotherHandleWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "0")
	session := f.connect(t, f.token(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	n := 0
	for env, err := range session.Watch(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		v, _ := env.Lookup("A")
		want(t, reveal(v), strconv.Itoa(n))
		if n++; n == 4 {
			break
		}
		set(t, f.org, "a", strconv.Itoa(n))
	}
	if n < 4 {
		t.Errorf("after 30 seconds it has seen %d versions", n)
	}
}

func TestWatcherSeesAStagedUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		crowded(t, f)
		w := watchA(t, f.connect(t, f.token(t)))
		wantSaid(t, w, "one")
		set(t, f.org, "a", "two")
		wantSaid(t, w, "two")
		w.end(t)
	})
}

func TestWatcherOfARevokedTokenSaysSoAndEnds(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		for _, grants := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureOn(t, newMemory(t))
				before := "absent"
				if grants {
					f.give(t, "a", "one")
					before = "one"
				}
				token := f.token(t)
				w := watchA(t, f.connect(t, token))
				wantSaid(t, w, before)
				if err := lose(t.Context(), f, token); err != nil {
					t.Fatal(err)
				}
				got := w.said()
				if len(got) == 0 || got[len(got)-1] != secrets.ErrUnauthenticated.Error() {
					t.Errorf("%s: yielded %q", name, got)
				}
				<-w.done
			})
		}
	}
}

func TestIdleWatcherMakesOneCallAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		f.give(t, "b", "other")
		rival := get(t)(f.client.CreateOrganization(t.Context(), "rival"))
		store := &counting{Store: f.store}
		session, err := secrets.Connect(t.Context(), store, f.token(t))
		if err != nil {
			t.Fatal(err)
		}
		w := watchA(t, session)
		wantSaid(t, w, "one")
		begin := store.reads.Load()
		for range 60 {
			set(t, rival, "a", time.Now().String())
			time.Sleep(time.Minute)
		}
		wantSaid(t, w)
		if calls := store.reads.Load() - begin; calls > 60 || calls < 59 {
			t.Errorf("%d calls in an hour, want one a minute", calls)
		}
		w.end(t)
	})
}

// A deaf store never signals.
type deaf struct{ storage.Store }

func (deaf) Changes(ctx context.Context, _ ...string) (<-chan struct{}, error) {
	ch := make(chan struct{})
	context.AfterFunc(ctx, func() { close(ch) })
	return ch, nil
}

func TestWatcherNeedsNoSignalToSeeAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		crowded(t, f)
		f.tokens = []secrets.Token{f.token(t)}
		session, err := secrets.Connect(t.Context(), deaf{f.store}, f.tokens[0])
		if err != nil {
			t.Fatal(err)
		}
		w := watchA(t, session)
		wantSaid(t, w, "one")
		for _, change := range []struct {
			do   func() error
			want string
		}{
			{func() error { _, err := f.org.SetSecret(t.Context(), "a", text("two")); return err }, "two"},
			{func() error { return f.api.Revoke(t.Context(), "a") }, "absent"},
			{func() error { _, err := f.api.Grant(t.Context(), "a", ""); return err }, "two"},
			{func() error { return f.api.RevokeToken(t.Context(), f.tokens[0].ID()) }, secrets.ErrUnauthenticated.Error()},
		} {
			if err := change.do(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2*time.Minute + time.Second)
			wantSaid(t, w, change.want)
		}
		<-w.done
	})
}

// A switchable store can be taken away.
type switchable struct {
	storage.Store
	off   atomic.Bool
	calls atomic.Int64
}

func (s *switchable) down() error {
	s.calls.Add(1)
	if s.off.Load() {
		return storage.ErrUnavailable
	}
	return nil
}

func (s *switchable) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if err := s.down(); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, keys...)
}

func (s *switchable) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if err := s.down(); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, prefix, after, limit)
}

// watchSwitchable watches A, which is one.
func watchSwitchable(t *testing.T) (*fixture, *switchable, *watch) {
	t.Helper()
	f := newFixtureOn(t, newMemory(t))
	f.give(t, "a", "one")
	store := &switchable{Store: f.store}
	session, err := secrets.Connect(t.Context(), store, f.token(t))
	if err != nil {
		t.Fatal(err)
	}
	w := watchA(t, session)
	wantSaid(t, w, "one")
	return f, store, w
}

func TestWatcherOutlivesAStoreThatIsAwayForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, store, w := watchSwitchable(t)
		store.off.Store(true)
		set(t, f.org, "a", "two")
		wantSaid(t, w, secrets.ErrUnavailable.Error())
		begin := store.calls.Load()
		time.Sleep(time.Hour)
		wantSaid(t, w)
		if calls := store.calls.Load() - begin; calls < 100 || calls > 260 {
			t.Errorf("%d calls in an hour, want one every 15 to 30 seconds after the first", calls)
		}
		store.off.Store(false)
		time.Sleep(time.Minute)
		wantSaid(t, w, "two")
		w.end(t)
	})
}

// A store that is back signals, and what did not open is mended by a write.
func TestWatcherThatHasFailedForLongGoesOnAtASignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, store, w := watchSwitchable(t)
		store.off.Store(true)
		set(t, f.org, "a", "two")
		wantSaid(t, w, secrets.ErrUnavailable.Error())
		for range 10 {
			time.Sleep(time.Hour)
			store.off.Store(false)
			set(t, f.org, "a", "three") // wantSaid waits for a second
			wantSaid(t, w, "three")
			store.off.Store(true)
			set(t, f.org, "a", "four")
			wantSaid(t, w, secrets.ErrUnavailable.Error())
		}
		w.end(t)
	})
}

func TestSignalsDoNotMakeAWatcherReadAStoreThatFailsWithoutPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, store, w := watchSwitchable(t)
		store.off.Store(true)
		begin := store.calls.Load()
		for i := range 1000 {
			set(t, f.org, "a", strconv.Itoa(i))
			time.Sleep(10 * time.Millisecond)
		}
		wantSaid(t, w, secrets.ErrUnavailable.Error())
		if calls := store.calls.Load() - begin; calls > 220 {
			t.Errorf("%d calls in 11 seconds, want one each 50 to 100 ms at most", calls)
		}
		w.end(t)
	})
}

// A refusing store is away, and notes when it was asked.
type refusing struct {
	storage.Store
	asked []time.Time // by one watcher
}

func (r *refusing) List(context.Context, string, string, int) ([]storage.Entry, error) {
	r.asked = append(r.asked, time.Now())
	return nil, storage.ErrUnavailable
}

func TestStoreThatIsAwayIsTriedLessAndLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		store := &refusing{Store: f.store}
		session, err := secrets.Connect(t.Context(), store, f.token(t))
		if err != nil {
			t.Fatal(err)
		}
		w := watchA(t, session)
		time.Sleep(10 * time.Minute)
		wantSaid(t, w, secrets.ErrUnavailable.Error())
		asked := store.asked // and once more at the end
		w.end(t)
		longest := 100 * time.Millisecond
		for i := range len(asked) - 1 {
			if gap := asked[i+1].Sub(asked[i]); gap < longest/2 || gap > longest {
				t.Errorf("attempt %d comes after %v, want between a half and all of %v", i+1, gap, longest)
			}
			longest = min(2*longest, 30*time.Second)
		}
		if longest < 30*time.Second {
			t.Errorf("%d attempts in 10 minutes", len(asked))
		}
	})
}

func TestWatcherEndsWithItsStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		w := watchA(t, f.connect(t, f.token(t)))
		wantSaid(t, w, "one")
		_ = f.store.Close()
		wantSaid(t, w, storage.ErrClosed.Error())
		<-w.done
	})
}

func TestLoopThatIsLeftLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which waits for every goroutine
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		for env, err := range f.connect(t, f.token(t)).Watch(t.Context()) {
			if err != nil || env.Len() != 1 {
				t.Errorf("%d variables, %v", env.Len(), err)
			}
			break
		}
	})
}
