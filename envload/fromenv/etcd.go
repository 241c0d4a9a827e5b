package fromenv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// An etcdStore has a client of its own.
type etcdStore struct {
	*etcd.Store
	closeClient func() error // once
}

// Close closes the client too.
func (s etcdStore) Close() error { return errors.Join(s.Store.Close(), s.closeClient()) }

func openEtcd(ctx context.Context, location string) (storage.Store, error) {
	config, prefix, err := parseEtcd(location)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLocation, err)
	}
	client, err := newClient(ctx, config)
	if err != nil {
		return nil, err
	}
	store, err := etcd.New(client, prefix, nil)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return etcdStore{store, sync.OnceValue(client.Close)}, nil
}

// newClient returns a client, which has logged in if it has a password. The
// library knows of no context of that call.
func newClient(ctx context.Context, config clientv3.Config) (*clientv3.Client, error) {
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	config.Context = life
	client, err := clientv3.New(config)
	switch ended := !stop(); {
	case ended && err == nil:
		_ = client.Close()
		return nil, ctx.Err()
	case ended:
		return nil, ctx.Err()
	case err != nil:
		end()
		return nil, refusal(config, err)
	}
	return client, nil
}

// refusal drops what the library says, since it may quote the location.
func refusal(config clientv3.Config, err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return fmt.Errorf("etcd: %w: the user or the password is wrong", fs.ErrPermission)
	case config.Password != "":
		return fmt.Errorf("etcd: %w: the login was not answered", storage.ErrUnavailable)
	default:
		return fmt.Errorf("%w: the etcd client refuses it", ErrLocation)
	}
}

const (
	etcdPort    = "2379"
	etcdPrefix  = "secrets/"
	etcdTimeout = 10 * time.Second
)

// parseEtcd reads etcd://user:password@host1:port,host2/prefix?tls=true.
func parseEtcd(location string) (clientv3.Config, string, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "" {
		return clientv3.Config{}, "", errors.New("it is not of the form etcd://host1,host2/prefix")
	}
	config := clientv3.Config{
		Username: u.User.Username(), DialTimeout: etcdTimeout, Logger: zap.NewNop(), // errors say what went wrong
		DialKeepAliveTime: etcdTimeout, DialKeepAliveTimeout: etcdTimeout / 2, // or a dead connection signals no change
	}
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
	// Only the slash behind the hosts goes: a prefix may begin with one.
	prefix := strings.TrimRight(strings.TrimPrefix(u.Path, "/"), "/") + "/"
	if prefix == "/" {
		prefix = etcdPrefix
	}
	return config, prefix, nil
}
