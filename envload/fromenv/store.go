package fromenv

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// takeStore reads and unsets the variable.
func takeStore() (string, error) {
	text := os.Getenv(StoreVariable)
	if err := os.Unsetenv(StoreVariable); err != nil {
		return "", problem(errors.New("cannot be unset"))
	}
	if text == "" {
		return "", problem(envload.ErrMissing)
	}
	return text, nil
}

// open opens the store that text names, and returns what closes it.
func open(ctx context.Context, text string) (storage.Store, func() error, error) {
	scheme, path, _ := strings.Cut(text, ":")
	switch scheme {
	case "sqlite":
		store, err := sqlite.Open(ctx, path, &sqlite.Options{ReadOnly: true})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case "postgres", "postgresql":
		store, err := postgres.Open(ctx, text, nil)
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case "etcd":
		return openEtcd(text)
	}
	return nil, nil, problem(errors.New("sqlite:, postgres: or etcd: was expected in front"))
}

func openEtcd(text string) (storage.Store, func() error, error) {
	config, prefix, err := parseEtcd(text)
	if err != nil {
		return nil, nil, problem(err)
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, nil, problem(errors.New("the etcd client refuses it")) // the cause quotes it
	}
	store, err := etcd.New(client, prefix, nil)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, closing{client.Close, store.Close}.close, nil
}

const (
	etcdPort    = "2379"
	etcdPrefix  = "secrets/"
	etcdTimeout = 10 * time.Second
)

// parseEtcd reads etcd://user:password@host1:port,host2/prefix?tls=true.
func parseEtcd(text string) (clientv3.Config, string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "" {
		return clientv3.Config{}, "", errors.New("it is not of the form etcd://host1,host2/prefix")
	}
	config := clientv3.Config{DialTimeout: etcdTimeout, Username: u.User.Username()}
	config.Password, _ = u.User.Password()
	scheme := "http://"
	for name, values := range u.Query() {
		if name != "tls" || len(values) != 1 || values[0] != "true" {
			return clientv3.Config{}, "", errors.New("its only parameter is tls=true")
		}
		scheme, config.TLS = "https://", &tls.Config{MinVersion: tls.VersionTLS12}
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		if host == "" {
			return clientv3.Config{}, "", errors.New("one of its hosts is empty")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), etcdPort)
		}
		config.Endpoints = append(config.Endpoints, scheme+host)
	}
	prefix := strings.Trim(u.Path, "/") + "/"
	if prefix == "/" {
		prefix = etcdPrefix
	}
	return config, prefix, nil
}

func problem(err error) error {
	return &envload.Error{Problems: []envload.Problem{{Env: StoreVariable, Err: err}}}
}
