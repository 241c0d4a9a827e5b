package envload_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A gone store answers nothing, and does not say when something changes.
type gone struct{ storage.Store }

func (gone) Get(context.Context, ...string) ([]storage.Entry, error) {
	return nil, storage.ErrUnavailable
}

func (gone) List(context.Context, string, string, int) ([]storage.Entry, error) {
	return nil, storage.ErrUnavailable
}

func (gone) Changes(context.Context, ...string) (<-chan struct{}, error) {
	return nil, storage.ErrUnavailable
}

func TestLiveStartsFromTheCacheWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	opts := secrets.CacheOptions{
		Path: filepath.Join(t.TempDir(), "cache"), MaxStale: time.Hour, Logger: slog.New(slog.DiscardHandler),
	}
	for _, store := range []storage.Store{p.store, gone{p.store}} {
		session, err := secrets.ConnectCached(t.Context(), store, p.token, opts)
		if err != nil {
			t.Fatal(err)
		}
		live, stop := watch(t, session)
		defer stop()
		if diff := cmp.Diff(&liveConfig{"one", 1}, live.Get()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, away := store.(gone)
		if s := live.Status(); s.Lost || s.Stale != away || errors.Is(s.Err, secrets.ErrUnavailable) != away {
			t.Errorf("away: %v, status: %+v", away, s)
		}
	}
}
