package fromenv_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/apptest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestStoreThatWasOpenedIsClosedWithItsConnections(t *testing.T) { // not parallel: it counts goroutines
	apptest.EachStore(t, func(t *testing.T, location string) {
		before := runtime.NumGoroutine()
		store, err := fromenv.Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Commit(t.Context(), storage.Batch{Puts: []storage.Put{{Key: "a"}}}); err != nil {
			t.Error(err)
		}
		if _, err := store.Changes(t.Context()); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
		_, err = store.Get(t.Context(), "a")
		wantError(t, err, storage.ErrClosed)
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines remain of %d", runtime.NumGoroutine(), before)
			}
		}
	})
}

func TestNoStoreIsOpenedIfSomethingIsWrong(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, location := range []string{"", "secrets.db", "sqlite", "redis://db", "sqlite:", "postgres://[", "etcd://h/ "} {
		store, err := fromenv.Open(ended, location)
		if store != nil || err == nil {
			t.Errorf("%q: %v, %v", location, store, err)
		}
	}
	for _, location := range []string{"", "secrets.db", "redis://db", "SQLITE:x", "sqlite://secrets.db", "sqlite:///secrets.db", "sqlite:secrets.db?mode=ro"} {
		_, err := fromenv.Open(t.Context(), location)
		wantError(t, err, fromenv.ErrLocation)
	}
}
