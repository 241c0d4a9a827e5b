package storage_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A driver does not look at the limits: what exceeds them never gets to it.
func ExampleLimit() {
	var driver storage.Store // a call of it would panic
	store := storage.Limit(driver)
	_, err := store.Get(context.Background(), "a key with spaces")
	fmt.Println(errors.Is(err, storage.ErrLimit))
	// Output: true
}

// Not every Store can purge, and not every role of a database may.
func ExamplePurger() {
	purge := func(ctx context.Context, store storage.Store) error {
		p, ok := store.(storage.Purger)
		if !ok {
			return errors.New("old values stay in the files of this store")
		}
		return p.Purge(ctx)
	}
	var driver storage.Store // one that cannot
	fmt.Println(purge(context.Background(), storage.Limit(driver)))
	// Output: old values stay in the files of this store
}

// A driver that wants its database to be there when it is opened is no reason
// for an app not to start.
func ExampleLazy() {
	ctx := context.Background()
	store := storage.Lazy(func(ctx context.Context) (storage.Store, error) {
		return nil, storage.ErrUnavailable // in an app: postgres.Open(ctx, dsn, nil)
	})
	defer store.Close()
	_, err := store.Get(ctx, "a") // in an app: secrets.ConnectCached(ctx, store, token, opts)
	fmt.Println(errors.Is(err, storage.ErrUnavailable))
	// Output: true
}
