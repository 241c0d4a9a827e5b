package secrets_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The second start finds no database, and takes what the first one has left.
func ExampleConnectCached() {
	ctx := context.Background()
	text, store := issueToken(ctx)
	token, err := secrets.ParseToken(text)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "cache-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	away := storage.Lazy(func(context.Context) (storage.Store, error) { return nil, storage.ErrUnavailable })
	defer away.Close()

	opts := secrets.CacheOptions{
		Path:     filepath.Join(dir, "secrets.cache"), // in an app: a folder of its own that stays
		MaxStale: 24 * time.Hour,
		Logger:   slog.New(slog.DiscardHandler), // in an app: one that is read
	}
	for _, s := range []storage.Store{store, away} {
		session, err := secrets.ConnectCached(ctx, s, token, opts)
		if err != nil {
			log.Fatal(err)
		}
		env, err := session.Environment(ctx)
		if err != nil {
			log.Fatal(err)
		}
		_, stale := env.StaleSince()
		fmt.Println(env.Len(), stale)
	}
	// Output:
	// 1 false
	// 1 true
}
