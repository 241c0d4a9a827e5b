package fromenv_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestEtcdURL(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Endpoints              []string
		User, Password, Prefix string
		TLS                    bool
	}
	for text, want := range map[string]parsed{
		"etcd://h":                         {Endpoints: []string{"http://h:2379"}, Prefix: "secrets/"},
		"etcd://h1,h2:99/":                 {Endpoints: []string{"http://h1:2379", "http://h2:99"}, Prefix: "secrets/"},
		"etcd://h1:1,h2:2/a/b":             {Endpoints: []string{"http://h1:1", "http://h2:2"}, Prefix: "a/b/"},
		"etcd://u:p%40@h/p/?tls=true":      {Endpoints: []string{"https://h:2379"}, User: "u", Password: "p@", Prefix: "p/", TLS: true},
		"etcd://[::1]:2380/p":              {Endpoints: []string{"http://[::1]:2380"}, Prefix: "p/"},
		"etcd://[2001:db8::1]/p":           {Endpoints: []string{"http://[2001:db8::1]:2379"}, Prefix: "p/"},
		"etcd://h//secrets/":               {Endpoints: []string{"http://h:2379"}, Prefix: "/secrets/"},
		"etcd://h//":                       {Endpoints: []string{"http://h:2379"}, Prefix: "secrets/"},
		"etcd://127.0.0.1:2379/secrets-x/": {Endpoints: []string{"http://127.0.0.1:2379"}, Prefix: "secrets-x/"},
	} {
		config, prefix, err := fromenv.ParseEtcd(text)
		got := parsed{config.Endpoints, config.Username, config.Password, prefix, config.TLS != nil}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"etcd:", "etcd:h", "etcd://", "etcd:///p", "etcd://h,/p", "etcd://h?tls=false", "etcd://h?tls=true&tls=true", "etcd://h/p#f", "etcd://h:x/p"} {
		_, err := fromenv.Open(t.Context(), text)
		wantError(t, err, fromenv.ErrLocation)
	}
}

func TestEtcdWithAPassword(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t, "--unsafe-no-fsync", "--bcrypt-cost=4")
	admin := etcdtest.Client(t, []string{server.Endpoint}, nil)
	const password = "hunter2-77ab"
	_, addErr := admin.UserAdd(t.Context(), "root", password)
	_, grantErr := admin.UserGrantRole(t.Context(), "root", "root")
	_, enableErr := admin.AuthEnable(t.Context())
	if err := errors.Join(addErr, grantErr, enableErr); err != nil {
		t.Fatal(err)
	}
	store, err := fromenv.Open(t.Context(), "etcd://root:"+password+"@"+server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Commit(t.Context(), storage.Batch{Puts: []storage.Put{{Key: "a"}}}); err != nil {
		t.Error(err)
	}
	_, err = fromenv.Open(t.Context(), "etcd://root:not"+password+"@"+server.Endpoint)
	wantError(t, err, fs.ErrPermission)
	if err != nil && strings.Contains(err.Error(), password) {
		t.Error(err)
	}
}

func TestEtcdThatDoesNotAnswerALogin(t *testing.T) {
	t.Parallel()
	const nobody = "etcd://app:hunter2@127.0.0.1:1"
	config, _, err := fromenv.ParseEtcd(nobody)
	if err != nil {
		t.Fatal(err)
	}
	config.DialTimeout = 50 * time.Millisecond
	_, err = fromenv.NewClient(t.Context(), config)
	wantError(t, err, storage.ErrUnavailable)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err = fromenv.Open(ctx, nobody)
	wantError(t, err, context.DeadlineExceeded)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = fromenv.Open(ended, nobody)
	wantError(t, err, context.Canceled)
}
