package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// nothing and withoutCommit are what of a request reaches the server.
func nothing([]byte) []byte { return nil }

func withoutCommit(request []byte) []byte {
	before, _, _ := bytes.Cut(request, []byte("COMMIT"))
	return before
}

func TestCommitThatIsCutOffIsOfUnknownOutcomeAndAppliedAtMostOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault   fault
		applied bool
	}{
		"before anything was sent":               {fault{request: nothing}, false},
		"before COMMIT":                          {fault{request: withoutCommit}, false},
		"after COMMIT":                           {fault{}, true},
		"after COMMIT, by a pooler that says so": {fault{instead: poolerError()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := newName("lost")
			direct := open(t, schema)
			p := newProxy(t, target(t))
			s := openPool(t, newPool(t, textual(p)), schema)
			commit(t, s, put("a", "before"))
			before := version(t, direct, "a")

			p.fault.Store(&test.fault)
			err := s.Commit(t.Context(), put("a", "lost"))
			wantError(t, err, storage.ErrUnknownOutcome)
			if p.fault.Load() != nil {
				t.Error("the fault did not happen")
			}
			if errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("got %v, which says that nothing was written", err)
			}
			if test.applied {
				wantValue(t, direct, "a", "lost")
			} else {
				wantValue(t, direct, "a", "before")
			}
			commit(t, s, put("a", "after")) // the pool has another connection
			if got := version(t, direct, "a"); got > before+2 {
				t.Errorf("the version went from %d to %d by two commits", before, got)
			}
		})
	}
}

func TestConflictIsKnownEvenIfTheAnswerToCommitIsLost(t *testing.T) {
	t.Parallel()
	schema := newName("lost")
	p := newProxy(t, target(t))
	s := openPool(t, newPool(t, textual(p)), schema)
	commit(t, s, put("a", "1"))
	p.fault.Store(&fault{})
	wantError(t, s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "a"}}, Deletes: []string{"a"}}), storage.ErrConflict)
	if p.fault.Load() != nil {
		t.Error("the fault did not happen")
	}
	wantValue(t, s, "a", "1")
}

func TestReadThatIsCutOffIsUnavailable(t *testing.T) {
	t.Parallel()
	p := newProxy(t, target(t))
	s := openPool(t, newPool(t, textual(p)), newName("lost"))
	commit(t, s, put("a", "1"))
	p.fault.Store(&fault{request: nothing})
	_, err := s.Get(t.Context(), "a")
	wantError(t, err, storage.ErrUnavailable)
	wantValue(t, s, "a", "1")
}

// textual has each statement sent by its text, where withoutCommit finds it.
func textual(p *proxy) func(*pgxpool.Config) {
	return func(config *pgxpool.Config) {
		behind(p)(config)
		config.MaxConns = 1
		config.ShouldPing = never
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
}

// never tries a connection before it is used.
func never(context.Context, pgxpool.ShouldPingParams) bool { return false }

func version(t testing.TB, s storage.Store, key string) uint64 {
	t.Helper()
	found, err := s.Get(t.Context(), key)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d entries, %v", len(found), err)
	}
	return found[0].Version
}

func TestEachCallIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	p := newProxy(t, target(t))
	s := openPool(t, newPool(t, textual(p)), newName("trips"))
	calls := map[string]func() error{
		"Get":          func() error { _, err := s.Get(t.Context(), "a", "b"); return err },
		"List":         func() error { _, err := s.List(t.Context(), "a", "", 10); return err },
		"List of all":  func() error { _, err := s.List(t.Context(), "", "", 10); return err },
		"Commit":       func() error { return s.Commit(t.Context(), put("a", "1")) },
		"Commit check": func() error { return s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "b"}}}) },
		"conflict": func() error {
			if err := s.Commit(t.Context(), storage.Batch{Checks: []storage.Check{{Key: "a"}}, Deletes: []string{"a"}}); !errors.Is(err, storage.ErrConflict) {
				return errors.New("no conflict")
			}
			return nil
		},
	}
	commit(t, s, put("a", "1"))
	for name, call := range calls {
		before := p.answered.Load()
		if err := call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if trips := p.answered.Load() - before; trips != 1 {
			t.Errorf("%s took %d round trips", name, trips)
		}
	}
}
