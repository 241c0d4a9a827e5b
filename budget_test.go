package secrets_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A budget is what one call may cost. It is counted and not timed, so that a test
// can hold it on any machine: some per cent above what was counted when it was
// set. Who exceeds it with reason raises it, and says why; who saves something
// lowers it.
type budget struct {
	name        string
	reads       int64 // calls of the store
	commits     int64
	written     int64 // bytes of keys and values committed
	allocations int64
	allocated   int64 // bytes
	do          func(context.Context) error
}

// weighing counts the bytes that are committed too.
type weighing struct {
	*counting
	written int64
}

func (w *weighing) Commit(ctx context.Context, b storage.Batch) error {
	_, err := w.CommitVersion(ctx, b)
	return err
}

func (w *weighing) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	for _, put := range b.Puts {
		w.written += int64(len(put.Key) + len(put.Value))
	}
	return w.counting.CommitVersion(ctx, b)
}

func TestCallsStayWithinTheirBudgets(t *testing.T) { // not parallel: it counts what is allocated
	if raceDetector || !isMemory() {
		t.Log("counted over memory alone, and without the race detector")
		return
	}
	f := newFixture(t)
	store := &weighing{counting: &counting{Store: f.store}}
	for _, b := range budgets(t, f, store) {
		b.hold(t, store)
	}
}

// budgets are those of an app with fifty secrets, and of an administrator.
func budgets(t *testing.T, f *fixture, store storage.Store) []budget {
	for _, name := range names("secret", 50) {
		f.give(t, name, "postgres://user:password@host/database")
	}
	f.give(t, "shared", "one")
	for _, name := range names("svc", 9) {
		_, err := getService(t)(f.org.CreateService(t.Context(), name)).Grant(t.Context(), "shared", "")
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.org.CreateSecret(t.Context(), "alone", text("one")); err != nil {
		t.Fatal(err)
	}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	token := f.token(t)
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	moved := moving(t, f, store, token, "shared")
	made := 0
	update := func(name secrets.Name) func(context.Context) error {
		return func(ctx context.Context) error { return failure(org.UpdateSecret(ctx, name, text("another"), nil)) }
	}
	return []budget{
		{"connect", 1, 0, 0, 60, 5_900, func(ctx context.Context) error { return failure(secrets.Connect(ctx, store, token)) }},
		{"environment of 51", 2, 0, 0, 1_720, 266_000, func(ctx context.Context) error { return failure(session.Environment(ctx)) }},
		{"environment of 51, with an update meanwhile", 3, 0, 0, 2_370, 386_000, func(ctx context.Context) error { return failure(moved.Environment(ctx)) }},
		{"create", 0, 1, 390, 86, 10_700, func(ctx context.Context) error {
			made++
			return failure(org.CreateSecret(ctx, secrets.Name(fmt.Sprintf("made-%04d", made)), text("one")))
		}},
		{"set what it is", 1, 0, 0, 170, 21_500, func(ctx context.Context) error { return failure(org.SetSecret(ctx, "shared", text("one"))) }},
		{"update, no grantee", 1, 1, 780, 198, 26_000, update("alone")},
		{"update, 10 grantees", 1, 1, 3_150, 530, 75_000, update("shared")},
		{"reveal", 1, 0, 0, 73, 10_100, func(ctx context.Context) error { return failure(org.RevealSecret(ctx, "alone")) }},
	}
}

// moving returns the session of an app that finds the secret changed between its
// two reads, each time.
func moving(t *testing.T, f *fixture, store storage.Store, token secrets.Token, secret secrets.Name) *secrets.Session {
	h := &hooked{Store: store}
	session := connectOver(t, h, token)
	calls, other := 0, f.elsewhere(t, f.store).org
	h.before = func(...string) error {
		if calls++; calls%3 == 2 {
			return failure(other.UpdateSecret(t.Context(), secret, text("another"), nil))
		}
		return nil
	}
	return session
}

// hold fails the test if a call costs more. Of several calls the cheapest counts:
// others may allocate at the same time, and a table may have to grow.
func (b budget) hold(t *testing.T, store *weighing) {
	t.Helper()
	least := b.spend(t, store) // puts in place what is kept
	for range 10 {
		c := b.spend(t, store)
		least.reads, least.commits, least.written = min(least.reads, c.reads), c.commits, c.written
		least.allocations = min(least.allocations, c.allocations)
		least.allocated = min(least.allocated, c.allocated)
	}
	for _, c := range []struct {
		what      string
		got, most int64
	}{
		{"reads", least.reads, b.reads},
		{"commits", least.commits, b.commits},
		{"bytes written", least.written, b.written},
		{"allocations", least.allocations, b.allocations},
		{"bytes allocated", least.allocated, b.allocated},
	} {
		if c.got > c.most {
			t.Errorf("%s: %d %s, want at most %d", b.name, c.got, c.what, c.most)
		}
	}
}

// spend returns what one call costs.
func (b budget) spend(t *testing.T, store *weighing) budget {
	t.Helper()
	var before, after runtime.MemStats
	reads, commits, written := store.reads.Load(), store.commits.Load(), store.written
	runtime.ReadMemStats(&before)
	err := b.do(t.Context())
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatalf("%s: %v", b.name, err)
	}
	return budget{
		reads: store.reads.Load() - reads, commits: store.commits.Load() - commits, written: store.written - written,
		allocations: int64(after.Mallocs - before.Mallocs), allocated: int64(after.TotalAlloc - before.TotalAlloc),
	}
}

func TestAValueThatIsWatchedIsReadWithoutAllocating(t *testing.T) { // not parallel: it counts allocations
	f := newFixture(t)
	f.give(t, "a", "one")
	env, err := f.api.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live, err := envload.Watch[struct {
		A string `env:"A"`
	}](t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if live.Get().A == "" {
			panic("the value is gone")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
