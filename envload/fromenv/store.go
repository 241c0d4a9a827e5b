package fromenv

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// ErrLocation says that a location names no store. See [Open] for what does.
var ErrLocation = errors.New("it names no store")

// Open opens the store at a location, such as an administrator gives in a flag:
//
//	sqlite:/var/lib/app/secrets.db                a file, made if there is none
//	postgres://app@db.example.com/main            as package postgres takes it
//	etcd://user:password@host1:2379,host2/prefix  port 2379 if none is given; prefix "secrets/";
//	                                              with ?tls=true by TLS and the system's certificates
//
// The prefix begins behind the slash that ends the hosts: etcd://host/a is "a/",
// and etcd://host//a is "/a/". All who share a store name the same one.
//
// It is opened to be read and written. Apps only read: see [Connect]. The caller
// closes the store, and with it all connections.
//
// An error is [ErrLocation] or one of the driver, and does not show the
// location, which may hold a password.
func Open(ctx context.Context, location string) (storage.Store, error) {
	store, err := open(ctx, location, nil)
	if errors.Is(err, ErrLocation) {
		return nil, fmt.Errorf("store location: %w", err)
	}
	return store, err
}

// open opens a file as opts say.
func open(ctx context.Context, location string, opts *sqlite.Options) (store storage.Store, err error) {
	scheme, path, _ := strings.Cut(location, ":")
	switch scheme {
	case "sqlite":
		if strings.HasPrefix(path, "//") || strings.Contains(path, "?") {
			return nil, fmt.Errorf("%w: behind sqlite: there is the path of a file, without the slashes of a host and without options", ErrLocation)
		}
		store, err = sqlite.Open(ctx, path, opts)
	case "postgres", "postgresql":
		store, err = postgres.Open(ctx, location, nil)
	case "etcd":
		store, err = openEtcd(ctx, location)
	default:
		err = fmt.Errorf("%w: sqlite:, postgres: or etcd: was expected in front", ErrLocation)
	}
	if err != nil {
		return nil, err // and no nil pointer
	}
	return store, nil
}
