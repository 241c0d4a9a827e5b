package torture_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

func TestEtcdWithoutSpaceIsReadAndWritesNothingUntilItHasSpaceAgain(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--quota-backend-bytes=2000000")
	client := etcdtest.Client(t, []string{server.Endpoint}, nil)
	store := openEtcd(t, server)
	p := newPlatform(t, store, "before")
	session := p.connect(t, store)
	fill(t, client)

	var group sync.WaitGroup
	for what, write := range p.writes() {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
			defer cancel()
			begin := time.Now()
			if err := write(ctx); !errors.Is(err, secrets.ErrUnknownOutcome) {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(begin); took > callTimeout+slack {
				t.Errorf("%s took %v", what, took)
			}
		})
	}
	group.Wait()
	p.wantValue(t, "before")
	if value, _ := find(must(session.Environment(t.Context()))(t), "a"); value != "before" {
		t.Errorf("the session sees %q", value)
	}

	makeSpace(t, client, server)
	p.wantClean(t)
	for what, write := range p.writes() {
		if err := write(t.Context()); err != nil {
			t.Errorf("%s, with space: %v", what, err)
		}
	}
	p.wantClean(t)
}

// writes may each be repeated.
func (p *platform) writes() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"SetSecret": func(ctx context.Context) error {
			_, err := p.org.SetSecret(ctx, "b", secrets.Text("new"))
			return err
		},
		"UpdateSecret": func(ctx context.Context) error {
			_, err := p.org.UpdateSecret(ctx, "a", secrets.Text("after"), nil)
			return err
		},
		"Grant": func(ctx context.Context) error { _, err := p.api.Grant(ctx, "a", "OTHER"); return err },
	}
}

// fill takes all the space there is.
func fill(t *testing.T, client *clientv3.Client) {
	t.Helper()
	for i := range 100 {
		_, err := client.Put(t.Context(), fmt.Sprint("/other/", i), strings.Repeat("x", 100_000))
		if errors.Is(err, rpctypes.ErrNoSpace) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the space was never exceeded")
}

// makeSpace does what the manual of etcd says.
func makeSpace(t *testing.T, client *clientv3.Client, server *etcdtest.Server) {
	t.Helper()
	deleted := must(client.Delete(t.Context(), "/other/", clientv3.WithPrefix()))(t)
	must(client.Compact(t.Context(), deleted.Header.Revision))(t)
	must(client.Defragment(t.Context(), server.Endpoint))(t)
	must(client.AlarmDisarm(t.Context(), &clientv3.AlarmMember{}))(t)
}

func TestAppWhoseWatchMissedACompactionSeesTheNewestValue(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync")
	direct := etcdtest.Client(t, []string{server.Endpoint}, nil)
	proxy := testserver.NewProxy(t, server.Endpoint)
	app := must(etcd.New(etcdtest.Client(t, []string{proxy.Addr()}, nil), "/secrets/", nil))(t)
	t.Cleanup(func() { _ = app.Close() })
	p := newPlatform(t, openEtcd(t, server), "before")
	live, stop := watch(t, p.connect(t, app))
	defer stop()

	for n := range 3 {
		proxy.Refuse.Store(true)
		proxy.Cut()
		value := fmt.Sprint("after ", n)
		must(p.org.UpdateSecret(t.Context(), "a", secrets.Text(value), nil))(t)
		now := must(direct.Get(t.Context(), "/"))(t).Header.Revision
		must(direct.Compact(t.Context(), now, clientv3.WithCompactPhysical()))(t)
		if live.Get().A == value {
			t.Error("the watch was never cut off")
		}
		proxy.Refuse.Store(false)
		eventuallyTrue(t, "the app sees the newest value", func() bool { return live.Get().A == value })
	}
	t.Attr("compactions", "3")
}
