package storagetest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// A mutant is a driver with one fault.
type mutant struct {
	fault   string
	caught  []string // the cases that must fail with it
	connect connector
}

// A connector returns the function that opens further Stores over the data.
type connector = func(data *memory.Store) func() storage.Store

func mutants() []mutant {
	return again(slices.Concat(readMutants(), listMutants(), versionMutants(), commitMutants(), concurrencyMutants(),
		sharingMutants(), bytesMutants(), errorMutants(), limitMutants(), contextMutants(), closeMutants(), changesMutants(), purgeMutants(), versionerMutants()))
}

func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		for _, name := range m.caught {
			t.Run(m.fault+"/"+name, func(t *testing.T) {
				t.Parallel()
				const patience = 100 * time.Millisecond
				r := record(t, name, patience, m.connect(memory.New()))
				if !r.Failed() {
					t.Errorf("%s passes a driver of which this is the fault: %s", name, m.fault)
				}
				t.Logf("caught by:\n%s", r)
			})
		}
	}
}

// TestEveryCaseCanFail keeps a case without a mutant from being added, or one
// that a mutant names from going away.
func TestEveryCaseCanFail(t *testing.T) {
	t.Parallel()
	cases := storagetest.CaseNames(hooks{})
	caught := map[string]bool{}
	for _, m := range mutants() {
		if len(m.caught) == 0 {
			t.Errorf("no case is to catch: %s", m.fault)
		}
		for _, name := range m.caught {
			caught[name] = true
			if !slices.Contains(cases, name) {
				t.Errorf("there is no case %s", name)
			}
		}
	}
	for _, name := range cases {
		if !caught[name] {
			t.Errorf("no mutant is caught by %s", name)
		}
	}
}

// TestCorrectStoreIsNotCaught is the control: the recorder itself, and the
// parts that mutants are made of, fail no case.
func TestCorrectStoreIsNotCaught(t *testing.T) {
	t.Parallel()
	for fault, connect := range map[string]connector{
		"none":           hook(func(storage.Store) hooks { return hooks{} }),
		"none, numbered": numbered(func(n *numbers, _ storage.Put) uint64 { return n.last }, nil),
		"none, board":    boarded(board{size: 1}),
	} {
		for _, name := range storagetest.CaseNames(connect(memory.New())()) {
			t.Run(fault+"/"+name, func(t *testing.T) {
				t.Parallel()
				if r := record(t, name, 10*time.Second, connect(memory.New())); r.Failed() {
					t.Errorf("%s fails:\n%s", name, r)
				}
			})
		}
	}
}

// each wraps every Store on its own.
func each(wrap func(storage.Store) storage.Store) connector {
	return func(data *memory.Store) func() storage.Store {
		return func() storage.Store { return wrap(data.Open()) }
	}
}

// hooks is a Store of which methods can be replaced.
type hooks struct {
	storage.Store
	get     func(ctx context.Context, keys ...string) ([]storage.Entry, error)
	list    func(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error)
	commit  func(ctx context.Context, b storage.Batch) error
	changes func(ctx context.Context, prefixes ...string) (<-chan struct{}, error)
	close   func() error
	purge   func(ctx context.Context) error

	commitVersion func(ctx context.Context, b storage.Batch) (uint64, error)
}

func hook(replace func(storage.Store) hooks) connector {
	return each(func(s storage.Store) storage.Store {
		h := replace(s)
		h.Store = s
		return h
	})
}

func (h hooks) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	if h.get != nil {
		return h.get(ctx, keys...)
	}
	return h.Store.Get(ctx, keys...)
}

func (h hooks) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	if h.list != nil {
		return h.list(ctx, prefix, after, limit)
	}
	return h.Store.List(ctx, prefix, after, limit)
}

func (h hooks) Commit(ctx context.Context, b storage.Batch) error {
	if h.commit != nil {
		return h.commit(ctx, b)
	}
	return h.Store.Commit(ctx, b)
}

func (h hooks) Changes(ctx context.Context, prefixes ...string) (<-chan struct{}, error) {
	if h.changes != nil {
		return h.changes(ctx, prefixes...)
	}
	return h.Store.Changes(ctx, prefixes...)
}

func (h hooks) Close() error {
	if h.close != nil {
		return h.close()
	}
	return h.Store.Close()
}
