package secrets_test

import (
	"errors"
	"io/fs"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// newEtcdStore returns a store under a prefix of its own on the server that
// all tests share.
func newEtcdStore(t testing.TB) storage.Store {
	t.Helper()
	client, prefix := etcdtest.Shared(t), etcdtest.Prefix()
	o := newOutside(func() storage.Store { return openEtcd(t, client, prefix) })
	t.Cleanup(func() {
		o.run(func() { etcdtest.Clear(t, client, prefix) })
	})
	return o
}

func openEtcd(t testing.TB, client *clientv3.Client, prefix string) *etcd.Store {
	t.Helper()
	s, err := etcd.New(client, prefix, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The steps are those that the documentation of storage/etcd gives.
func TestAppWhoseEtcdUserOnlyReadsSeesWhatTheAdministratorWrites(t *testing.T) {
	t.Parallel()
	const prefix, password = "/secrets/", "password"
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--bcrypt-cost=4")
	setup := etcdtest.Client(t, []string{server.Endpoint}, nil)
	end, read := clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermRead)
	for _, step := range []func() error{
		func() error { _, err := setup.UserAdd(t.Context(), "root", password); return err },
		func() error { _, err := setup.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := setup.RoleAdd(t.Context(), "app"); return err },
		func() error { _, err := setup.RoleGrantPermission(t.Context(), "app", prefix, end, read); return err },
		func() error { _, err := setup.UserAdd(t.Context(), "api", password); return err },
		func() error { _, err := setup.UserGrantRole(t.Context(), "api", "app"); return err },
		func() error { _, err := setup.AuthEnable(t.Context()); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	as := func(user string) *etcd.Store {
		client := etcdtest.Client(t, []string{server.Endpoint}, func(c *clientv3.Config) {
			c.Username, c.Password = user, password
		})
		s := openEtcd(t, client, prefix)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}

	admin, app := as("root"), as("api")
	f := &fixture{store: admin, root: newRoot(t)}
	f.client = f.open(t, admin)
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "database-url", "postgres://db")
	session, err := secrets.Connect(t.Context(), app, f.token(t))
	if err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "postgres://db")
	f.give(t, "database-url", "postgres://other")
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "postgres://other")
	if err := f.api.Revoke(t.Context(), "database-url"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "absent")
	_, err = f.open(t, app).CreateOrganization(t.Context(), "other")
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, secrets.ErrUnknownOutcome) {
		t.Errorf("a user who may only read wrote: got %v, want %v", err, fs.ErrPermission)
	}
}
