package secrets_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
)

// The tests of this file are about a watcher of any store.

// hear returns what is yielded next, in real time.
func (w *watch) hear(t *testing.T) string {
	t.Helper()
	select {
	case news := <-w.news:
		return news
	case <-time.After(30 * time.Second): // a look by itself would be later
		t.Error("nothing is yielded for 30 seconds")
		return ""
	}
}

// settle waits until the watcher has not called the store for a while, and
// returns how often it has.
func (c *counting) settle() int64 {
	const while = 300 * time.Millisecond // a store that polls does so every 50 ms
	for calls := int64(-1); ; {
		now := c.reads.Load()
		if now == calls {
			return calls
		}
		calls = now
		time.Sleep(while)
	}
}

func TestChangeOfAnotherOrganizationWakesNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	rival := get(t)(f.client.CreateOrganization(t.Context(), "acme-2"))
	store := &counting{Store: f.store}
	session, err := secrets.Connect(t.Context(), store, f.token(t))
	if err != nil {
		t.Fatal(err)
	}
	w := watchA(t, session)
	want(t, w.hear(t), "one")
	before := store.settle()
	for n := range 10 {
		set(t, rival, "a", strconv.Itoa(n))
		service := getService(t)(rival.CreateService(t.Context(), secrets.Name("api-"+strconv.Itoa(n))))
		if _, err := service.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := service.IssueToken(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.client.DeleteOrganization(t.Context(), "acme-2", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if calls := store.settle() - before; calls > 0 {
		t.Errorf("%d calls of the store, want none", calls)
	}
	set(t, f.org, "a", "two")
	want(t, w.hear(t), "two")
	if calls := store.settle() - before; calls == 0 || calls > 6 { // a commit may be signalled twice
		t.Errorf("%d calls of the store for a change of its own, want some", calls)
	}
	w.stop()
	<-w.done
}

func TestIdleWatcherOfAnyStoreMakesOneCallAMinute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "other")
	token := f.token(t)
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: deaf{f.store}}
		session, err := secrets.Connect(t.Context(), store, token)
		if err != nil {
			t.Fatal(err)
		}
		w := watchA(t, session)
		wantSaid(t, w, "one")
		before := store.reads.Load()
		time.Sleep(time.Hour)
		wantSaid(t, w)
		if calls := store.reads.Load() - before; calls != 60 {
			t.Errorf("%d calls in an hour, want one a minute", calls)
		}
		w.end(t)
	})
}

func TestWatcherSaysAtOnceThatAccessIsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			token := f.token(t)
			w := watchA(t, f.connect(t, token))
			want(t, w.hear(t), "one")
			begin := time.Now()
			if err := lose(t.Context(), f, token); err != nil {
				t.Fatal(err)
			}
			news := w.hear(t)
			for news == "absent" { // its grants go before the service does
				news = w.hear(t)
			}
			want(t, news, secrets.ErrUnauthenticated.Error())
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			<-w.done
		})
	}
}

// losses are the ways in which a token stops to be of use.
var losses = map[string]func(context.Context, *fixture, secrets.Token) error{
	"token revoked": func(ctx context.Context, f *fixture, token secrets.Token) error {
		return f.api.RevokeToken(ctx, token.ID())
	},
	"service deleted": func(ctx context.Context, f *fixture, _ secrets.Token) error {
		return f.org.DeleteService(ctx, "api")
	},
	"organization deleted": func(ctx context.Context, f *fixture, _ secrets.Token) error {
		return f.client.DeleteOrganization(ctx, "acme", &secrets.DeleteOptions{Revoke: true})
	},
}
