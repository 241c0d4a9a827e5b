package main

import (
	"errors"
	"fmt"
	"path/filepath"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

var (
	drivers        = []string{"memory", "sqlite", "postgres", "etcd"}
	durableDrivers = drivers[1:]
)

// servers are those that were started. They wait for the disk, as users' do.
type servers struct {
	postgres *testserver.Postgres
	etcd     *clientv3.Client
	spaces   int // schemas and prefixes that were given out
}

// store opens an empty store.
func (l *lab) store(driver string) (storage.Store, error) {
	switch driver {
	case "memory":
		return memory.New(), nil
	case "sqlite":
		dir, err := l.folder("sqlite")
		if err != nil {
			return nil, err
		}
		return sqlite.Open(l.ctx, filepath.Join(dir, "secrets.db"), nil)
	case "postgres":
		dsn, schema, err := l.postgres()
		if err != nil {
			return nil, err
		}
		return postgres.Open(l.ctx, dsn, &postgres.Options{Schema: schema})
	case "etcd":
		client, prefix, err := l.etcd()
		if err != nil {
			return nil, err
		}
		return etcd.New(client, prefix, nil)
	default:
		return nil, errors.New("no such driver")
	}
}

// postgres returns the server's connection string, and a schema that nobody
// uses.
func (l *lab) postgres() (dsn, schema string, err error) {
	if l.servers.postgres == nil {
		if l.servers.postgres, err = testserver.StartPostgres(""); err != nil {
			return "", "", err
		}
		l.onClose(l.servers.postgres.Stop)
	}
	l.servers.spaces++
	return l.servers.postgres.DSN, fmt.Sprint("bench", l.servers.spaces), nil
}

// etcd returns a client, and a prefix that nobody uses.
func (l *lab) etcd() (client *clientv3.Client, prefix string, err error) {
	if l.servers.etcd == nil {
		if l.servers.etcd, err = l.startEtcd(); err != nil {
			return nil, "", err
		}
	}
	l.servers.spaces++
	return l.servers.etcd, fmt.Sprintf("bench%d/", l.servers.spaces), nil
}

func (l *lab) startEtcd() (*clientv3.Client, error) {
	dir, err := l.folder("etcd")
	if err != nil {
		return nil, err
	}
	server, err := etcdtest.Run(dir)
	if err != nil {
		return nil, err
	}
	l.onClose(server.Kill)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint}, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	l.onClose(func() { _ = client.Close() })
	_, err = client.Get(l.ctx, "/") // connects
	return client, err
}

var errCount = errors.New("not as many variables as were granted")

// variables is how many secrets a service is granted.
const variables = 50
