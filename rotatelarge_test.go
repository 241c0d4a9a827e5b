package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestARotationReadsAPageAndWritesItInOneCommit(t *testing.T) {
	t.Parallel()
	const (
		many = 1000
		page = 99 // records: as many as a batch checks beside the organization's
	)
	f := newFixture(t) // with a service, and so a record of it and one of its serial
	f.keys = keyIDs(t, f.org)
	for _, name := range names("secret", many) {
		made(t)(f.org.CreateSecret(t.Context(), name, text("v")))
	}
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	store.reads.Store(0)
	if err := org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const (
		kinds  = 6
		lists  = 2*(many/page+1) + kinds - 2 // of secrets and who has access, of two kinds with one record and two with none
		writes = 2*(many/page+1) + 2
		// One read to begin, one before each walk and one at the end; two walks, and
		// what is written is read together with the organization.
		reads = 1 + 2*(1+lists) + writes + 1
	)
	if got, commits := store.reads.Load(), store.commits.Load(); got != reads || commits != writes+2 {
		t.Errorf("%d reads and %d commits, want %d and %d", got, commits, reads, writes+2)
	}
	wantUnnamed(t, f.store, f.keys...)
}

func TestLargeValuesAreRotatedInAsManyBatchesAsTheyNeed(t *testing.T) {
	t.Parallel()
	const many = 40 // of the largest: 16 fit a batch, less what is beside the value
	f := newFixture(t)
	f.keys = keyIDs(t, f.org)
	for _, name := range names("secret", many) {
		made(t)(f.org.CreateSecret(t.Context(), name, text(strings.Repeat("x", secrets.MaxValue-len(planted)))))
	}
	store := &counting{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	if err := org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const batches = 3 + 1 + 2 // secrets, who has access, the service and its serial
	if commits := store.commits.Load(); commits != batches+2 {
		t.Errorf("%d commits, want %d", commits, batches+2)
	}
	wantRotated(t, f, f.org)
}

// It is not parallel: it measures the memory of the whole process.
func TestARotationTakesConstantMemory(t *testing.T) {
	many, size := 2000, 4096
	if long() {
		many, size = 100_000, 300
	}
	f := newFixtureOn(t, newMemory(t))
	f.keys = keyIDs(t, f.org)
	value := text(strings.Repeat("x", size))
	for i := range many {
		made(t)(f.org.CreateSecret(t.Context(), secrets.Name(fmt.Sprintf("secret-%06d", i)), value))
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, commits := heap(), uint64(0), 0
	store := &hooked{Store: f.store}
	store.commit = func(ctx context.Context, b storage.Batch) error {
		if commits++; commits%(many/200) == 0 { // with a page and a batch in hand
			most = max(most, heap())
		}
		return f.store.Commit(ctx, b)
	}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	total := 0
	opts := &secrets.RotateOptions{Progress: func(_, n int) { total = n }}
	if err := org.RotateKey(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	const bound = 4 << 20
	if grown := int64(most) - int64(before); most == 0 || grown > bound || total < 2*many {
		t.Errorf("%d records: %d bytes more than before, want at most %d", total, grown, bound)
	}
	wantUnnamed(t, f.store, f.keys...)
	for s, err := range f.org.Secrets(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if v, err := f.org.RevealSecret(t.Context(), s.Name); err != nil || !v.Equal(value) {
			t.Fatalf("%s does not open: %v", s.Name, err)
		}
	}
}

func TestProcessesRotateTheKeyAtOnceWhileOthersWrite(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	set(t, f.org, "a", "w0 0")
	session := f.connect(t, f.tokens[0])
	const writers, rotators, rounds = 3, 2, 4
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	written, rotated := make(chan error), make(chan error)
	for i := range writers {
		p := f.elsewhere(t, f.store)
		go func() { written <- keepWriting(ctx, p, fmt.Sprint("w", i)) }()
	}
	for range rotators {
		org := f.elsewhere(t, f.store).org
		go func() {
			var err error
			for n := 0; n < rounds && err == nil; n++ {
				err = org.RotateKey(t.Context(), nil)
			}
			rotated <- err
		}()
	}
	for left := rotators; left > 0; {
		select {
		case err := <-rotated:
			left--
			if err != nil {
				t.Error(err)
			}
		default:
			if got := lookup(t.Context(), session, "A"); !strings.HasPrefix(got, "w") {
				t.Fatalf("the app reads %q", got)
			}
		}
	}
	stop()
	for range writers {
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
	wantRotated(t, f, f.org)
}

// keepWriting does one operation after the other until its context ends.
func keepWriting(ctx context.Context, p process, name string) error {
	mine := secrets.Name(name)
	for n := 0; ; n++ {
		for _, do := range []func() error{
			func() error { return failure(p.org.UpdateSecret(ctx, "a", text(fmt.Sprint(name, " ", n)), nil)) },
			func() error { return failure(p.org.CreateSecret(ctx, mine, text("v"))) },
			func() error { return failure(p.api.Grant(ctx, mine, "")) },
			func() error {
				token, err := p.api.IssueToken(ctx)
				if err != nil {
					return err
				}
				return p.api.RevokeToken(ctx, token.ID())
			},
			func() error { return p.api.Revoke(ctx, mine) },
			func() error { return p.org.DeleteSecret(ctx, mine, nil) },
		} {
			err := do()
			if ctx.Err() != nil {
				return nil
			}
			if err != nil && !errors.Is(err, secrets.ErrConflict) { // which says that others were always faster
				return err
			}
		}
	}
}
