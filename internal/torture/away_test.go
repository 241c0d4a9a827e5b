package torture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// A place has a server that can be stopped and started again.
type place struct {
	open     func(testing.TB) storage.Store
	down, up func(testing.TB)
}

func TestServerThatIsGoneForAWhileComesBackToEverybody(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(*testing.T) place{"postgres": postgresPlace, "etcd": etcdPlace} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := at(t)
			labels := pprof.Labels("test", t.Name())
			pprof.Do(t.Context(), labels, func(context.Context) { p.outlive(t) })
			eventuallyTrue(t, "no goroutine is left", func() bool { return !strings.Contains(goroutines(t), strconv.Quote(t.Name())) })
		})
	}
}

func postgresPlace(t *testing.T) place {
	server := ownPostgres(t, "-c fsync=off")
	check := func(t testing.TB, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return place{
		open: func(t testing.TB) storage.Store { return openPostgres(t, server.DSN+" pool_max_conns=4") },
		down: func(t testing.TB) { check(t, server.Down()) },
		up:   func(t testing.TB) { check(t, server.Up()) },
	}
}

func etcdPlace(t *testing.T) place {
	server := etcdtest.Start(t)
	return place{
		open: func(t testing.TB) storage.Store {
			client := etcdtest.Client(t, etcdtest.Endpoints(server), nil)
			return closing{must(etcd.New(client, "/secrets/", &etcd.Options{Timeout: callTimeout}))(t), client}
		},
		down: func(testing.TB) { server.Kill() },
		up: func(t testing.TB) { // with a goroutine that waits for its end
			pprof.Do(context.Background(), pprof.Labels("test", ""), func(context.Context) { server.Restart(t) })
		},
	}
}

// A closing store closes its client too.
type closing struct {
	storage.Store
	client io.Closer
}

func (c closing) Close() error { return errors.Join(c.Store.Close(), c.client.Close()) }

// An outage is what an administrator and an app see of it.
type outage struct {
	*platform
	session      *secrets.Session
	live         *envload.Live[variable]
	gone         atomic.Bool
	acknowledged atomic.Int64 // the number that the last update that returned nil has set
	attempted    atomic.Int64 // and the last one that was called
	failed       atomic.Int64 // calls
}

const (
	callTimeout = time.Second
	slack       = 2 * time.Second // of a busy machine
)

func (p place) outlive(t *testing.T) {
	admin, app := p.open(t), p.open(t)
	while, bound := 2*time.Second, 15*time.Second
	if long() {
		while, bound = 30*time.Second, time.Minute // pauses have become longer
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := &outage{platform: newPlatform(t, admin, "0")}
	o.session = o.connect(t, app)
	live, unwatch := watch(t, o.session)
	o.live = live
	var group sync.WaitGroup
	group.Go(func() { o.repeat(ctx, t, o.update) })
	group.Go(func() { o.repeat(ctx, t, o.read) })

	time.Sleep(200 * time.Millisecond)
	p.down(t)
	o.gone.Store(true)
	time.Sleep(while)
	o.gone.Store(false)
	if o.failed.Load() == 0 {
		t.Error("no call has failed")
	}
	p.up(t)
	back, last := time.Now(), o.attempted.Load()
	eventuallyTrue(t, "updates go on", func() bool { return o.acknowledged.Load() > last })
	eventuallyTrue(t, "the app sees them", func() bool { return number(live.Get().A) > last && live.Status().Err == nil })
	if took := time.Since(back); took > bound {
		t.Errorf("it took %v until the app saw an update", took)
	}
	t.Attr("works-again-after", time.Since(back).Round(time.Millisecond).String())
	t.Attr("calls-refused-meanwhile", fmt.Sprint(o.failed.Load()))
	stop()
	group.Wait()
	unwatch()
	o.wantClean(t)
	if err := errors.Join(admin.Close(), app.Close()); err != nil {
		t.Error(err)
	}
}

// repeat has calls fail only while the server is gone or is lost on the way, and
// end soon after their context.
func (o *outage) repeat(ctx context.Context, t *testing.T, call func(context.Context) error) {
	for ctx.Err() == nil && !t.Failed() {
		wasGone, begin := o.gone.Load(), time.Now()
		within, cancel := context.WithTimeout(t.Context(), callTimeout)
		err := call(within)
		cancel()
		switch {
		case err == nil && wasGone && o.gone.Load():
			t.Error("a call has succeeded without a server")
		case err == nil:
		case errors.Is(err, secrets.ErrUnavailable), errors.Is(err, secrets.ErrUnknownOutcome), errors.Is(err, context.DeadlineExceeded):
			o.failed.Add(1)
			time.Sleep(5 * time.Millisecond)
		default:
			t.Error(err)
		}
		if took := time.Since(begin); took > callTimeout+slack {
			t.Errorf("a call took %v, %v after its context", took, took-callTimeout)
		}
	}
}

func (o *outage) update(ctx context.Context) error {
	n := o.attempted.Add(1)
	_, err := o.org.SetSecret(ctx, "a", secrets.Text(fmt.Sprint(n)))
	if err == nil {
		o.acknowledged.Store(n)
	}
	return err
}

// read wants no value that is older than what was acknowledged before, or newer
// than what was attempted, and a live one at all times.
func (o *outage) read(ctx context.Context) error {
	if o.live.Get() == nil {
		return errors.New("the live value was dropped")
	}
	least := o.acknowledged.Load()
	env, err := o.session.Environment(ctx)
	if errors.Is(err, secrets.ErrUnknownOutcome) {
		return fmt.Errorf("a read: %v", err)
	}
	if err != nil {
		return err
	}
	value, _ := find(env, "a")
	if n, most := number(value), o.attempted.Load(); n < least || n > most {
		return fmt.Errorf("read %q, want %d to %d", value, least, most)
	}
	return nil
}

func number(value string) int64 {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// goroutines returns those that have labels, which they have from who started
// them.
func goroutines(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func eventuallyTrue(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) || t.Failed() {
			t.Fatalf("not in all this time: %s", what)
		}
	}
}
