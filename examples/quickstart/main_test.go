package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/apptest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func wantRun(t *testing.T, location string) {
	t.Helper()
	t.Setenv("DATABASE_URL", "left over from the shell") // and put back after the test
	var out strings.Builder
	if err := run(t.Context(), location, &out); err != nil {
		t.Fatal(err)
	}
	want := `admin: granted database-url to the service api
app:   DATABASE_URL overwritten from secret "database-url" version 1
app:   its database was visited by Ada
admin: revoked it
app:   does not start again: envload: DATABASE_URL: missing: it is required, but neither granted nor set
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// open opens the store that the program has used.
func open(t *testing.T, location string) storage.Store {
	t.Helper()
	store, err := fromenv.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func wantEmpty(t *testing.T, location string) {
	t.Helper()
	left, err := open(t, location).List(t.Context(), "", "", 10)
	if err != nil || len(left) > 0 {
		t.Errorf("%d records are left, %v", len(left), err)
	}
}

func TestAppReadsItsDatabaseUntilTheGrantIsRevoked(t *testing.T) { wantRun(t, "") }

func TestStoreThatWasNamedIsLeftEmpty(t *testing.T) {
	apptest.EachStore(t, func(t *testing.T, location string) {
		for range 2 {
			wantRun(t, location)
			wantEmpty(t, location)
		}
	})
}

// A stopper interrupts the program when it says something.
type stopper struct{ stop context.CancelFunc }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}

func TestInterruptedProgramLeavesTheStoreEmpty(t *testing.T) {
	apptest.EachStore(t, func(t *testing.T, location string) {
		t.Setenv("DATABASE_URL", "") // is put back after the test
		ctx, stop := context.WithCancel(t.Context())
		if err := run(ctx, location, stopper{stop}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		wantEmpty(t, location)
	})
}

// A losing store is interrupted at its first commit, whose answer is lost.
type losing struct {
	storage.Store
	stop context.CancelFunc
	once sync.Once
}

func (l *losing) Commit(ctx context.Context, batch storage.Batch) error {
	err := l.Store.Commit(ctx, batch)
	l.once.Do(func() {
		l.stop()
		err = errors.Join(err, storage.ErrUnknownOutcome)
	})
	return err
}

func TestOrganizationWhoseCreationWasInterruptedIsRemoved(t *testing.T) {
	t.Parallel()
	location := apptest.SQLite(t)
	ctx, stop := context.WithCancel(t.Context())
	if err := quickstart(ctx, &losing{Store: open(t, location), stop: stop}, t.TempDir(), io.Discard); err == nil {
		t.Error("no error")
	}
	wantEmpty(t, location)
}

func TestStoreInUseIsLeftAlone(t *testing.T) {
	t.Parallel()
	location := apptest.SQLite(t)
	platform := apptest.New(t, open(t, location))
	err := run(t.Context(), location, io.Discard)
	if !errors.Is(err, secrets.ErrWrongRoot) || !strings.Contains(err.Error(), "the store is in use") {
		t.Errorf("got %v", err)
	}
	platform.Give(t, "a", "still works")
}
