package etcd_test

import (
	"context"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const password = "password-that-is-never-said"

// startWithUsers returns a server where root may do everything, platform may
// read and write under /secrets/, and app may read there.
func startWithUsers(t *testing.T) *etcdtest.Server {
	t.Helper()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--bcrypt-cost=4")
	admin := etcdtest.Client(t, []string{server.Endpoint}, nil)
	end := clientv3.GetPrefixRangeEnd("/secrets/")
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := admin.UserAdd(ctx, "root", password); return err },
		func(ctx context.Context) error { _, err := admin.UserGrantRole(ctx, "root", "root"); return err },
		grant(admin, "platform", end, clientv3.PermissionType(clientv3.PermReadWrite)),
		grant(admin, "app", end, clientv3.PermissionType(clientv3.PermRead)),
		func(ctx context.Context) error { _, err := admin.AuthEnable(ctx); return err },
	} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return server
}

// grant makes a user with a role of the same name.
func grant(admin *clientv3.Client, name, end string, permission clientv3.PermissionType) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := admin.RoleAdd(ctx, name); err != nil {
			return err
		}
		if _, err := admin.RoleGrantPermission(ctx, name, "/secrets/", end, permission); err != nil {
			return err
		}
		if _, err := admin.UserAdd(ctx, name, password); err != nil {
			return err
		}
		_, err := admin.UserGrantRole(ctx, name, name)
		return err
	}
}

func as(t testing.TB, server *etcdtest.Server, name string) *clientv3.Client {
	t.Helper()
	return etcdtest.Client(t, []string{server.Endpoint}, withUser(name, password))
}

func TestUserWhoMayOnlyReadThePrefix(t *testing.T) {
	t.Parallel()
	server := startWithUsers(t)
	platform := open(t, as(t, server, "platform"), "/secrets/", nil)
	reader := as(t, server, "app")
	app := open(t, reader, "/secrets/", nil)
	mustPut(t, platform, "a", "1")
	mustPut(t, platform, "b", "2")

	expect(t, app, map[string]string{"a": "1", "b": "2"})
	e := get(t, app, "b")
	signals, all := changes(t, app, "a"), changes(t, app)
	mustPut(t, platform, "a", "3")
	signalled(t, "commit of the platform", signals)
	signalled(t, "commit of the platform", all)

	for name, batch := range map[string]storage.Batch{
		"create": create("c", "1"),
		"put":    {Checks: []storage.Check{{Key: "b", Version: e.Version}}, Puts: []storage.Put{{Key: "b"}}},
		"delete": {Checks: []storage.Check{{Key: "b", Version: e.Version}}, Deletes: []string{"b"}},
	} {
		err := app.Commit(t.Context(), batch)
		wantPermission(t, err)
		wantText(t, name, err, "/secrets/", "permission denied")
	}
	expect(t, platform, map[string]string{"a": "3", "b": "2"})

	elsewhere := open(t, reader, "/other/", nil)
	_, err := elsewhere.Get(t.Context(), "a")
	wantPermission(t, err)
	_, err = elsewhere.List(t.Context(), "", "", 1)
	wantPermission(t, err)
	_, err = elsewhere.Changes(t.Context())
	wantPermission(t, err)
	wantPermission(t, elsewhere.Commit(t.Context(), create("a", "1")))
}

// The server forgets tokens, after five minutes or when it is restarted.
func TestTokenThatTheServerForgotIsRenewed(t *testing.T) {
	t.Parallel()
	server := startWithUsers(t)
	s := open(t, as(t, server, "platform"), "/secrets/", nil)
	mustPut(t, s, "a", "1")
	signals := changes(t, s)
	server.Kill()
	server.Restart(t)
	if err := s.Commit(t.Context(), create("b", "1")); err != nil {
		t.Errorf("the first call after the restart: %v", err)
	}
	expect(t, s, map[string]string{"a": "1", "b": "1"})
	signalled(t, "the watch is back", signals)
}

func TestPasswordThatWasChangedIsALackOfPermission(t *testing.T) {
	t.Parallel()
	server := startWithUsers(t)
	s := open(t, as(t, server, "app"), "/secrets/", nil)
	expect(t, s, map[string]string{})
	admin := as(t, server, "root")
	if _, err := admin.UserChangePassword(t.Context(), "app", "another"); err != nil {
		t.Fatal(err)
	}
	_, changed := s.Changes(t.Context())
	for name, err := range map[string]error{
		"Get":     func() error { _, err := s.Get(t.Context(), "a"); return err }(),
		"Commit":  s.Commit(t.Context(), create("a", "1")),
		"Changes": changed,
	} {
		wantPermission(t, err)
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error has the password: %v", name, err)
		}
	}
}
