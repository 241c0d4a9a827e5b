package storagetest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// A recorder is a test that may fail without failing the test that runs it.
type recorder struct {
	testing.TB // nil: what is not written below is not to be called
	ctx        context.Context
	cleanups   []func()

	mu     sync.Mutex
	failed bool
	lines  []string
}

// record plays a case to its end, its cleanups included.
func record(t *testing.T, name string, patience time.Duration, connect func() storage.Store) *recorder {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{ctx: ctx}
	done := make(chan struct{})
	go func() { // a goroutine of its own, which Fatalf ends
		defer close(done)
		defer r.cleanUp()
		defer cancel()
		storagetest.Play(r, name, patience, connect)
	}()
	<-done
	return r
}

func (r *recorder) cleanUp() {
	for _, fn := range slices.Backward(r.cleanups) {
		fn()
	}
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Cleanup(fn func())        { r.cleanups = append(r.cleanups, fn) }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}
