//go:build unix

package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The tests of this file are not parallel: what is allocated is counted for the
// whole process.

// hugeBytes returns 1 GiB of zeros, which take no memory until somebody writes or
// copies them, and are gone after the test.
func hugeBytes(t *testing.T) []byte {
	t.Helper()
	huge, err := syscall.Mmap(-1, 0, 1<<30, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(huge) })
	return huge
}

func hugeText(t *testing.T) string {
	t.Helper()
	b := hugeBytes(t)
	return unsafe.String(&b[0], len(b))
}

// costs calls do and returns how many bytes it allocates.
func costs(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// wantCheap fails the test unless all of do take little beside what they are
// given, and each gives an error that is want.
func wantCheap(t *testing.T, want error, do map[string]func() error) {
	t.Helper()
	const most = 1 << 20
	highest := uint64(0)
	for _, what := range slices.Sorted(maps.Keys(do)) {
		var err error
		cost := costs(func() { err = do[what]() })
		if cost > most {
			t.Errorf("%s: %d KiB", what, cost>>10)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", what, err, want)
		}
		if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", what, len(err.Error()))
		}
		highest = max(highest, cost)
	}
	t.Attr("bytes-of-memory-at-most", fmt.Sprint(highest))
}

func TestAValueOf1GiBIsRefusedWithoutACopyOfIt(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", "one")
	value, ctx := secrets.Text(hugeText(t)), t.Context()
	before := entries(t, f.store, "")
	change := func(do func(*secrets.Change) error) func() error {
		return func() error { return f.org.Change(ctx, do) }
	}
	wantCheap(t, secrets.ErrValueTooLarge, map[string]func() error{
		"create":           func() error { return failure(f.org.CreateSecret(ctx, "b", value)) },
		"set":              func() error { return failure(f.org.SetSecret(ctx, "a", value)) },
		"update":           func() error { return failure(f.org.UpdateSecret(ctx, "a", value, nil)) },
		"create in change": change(func(c *secrets.Change) error { return c.CreateSecret("b", value) }),
		"set in change":    change(func(c *secrets.Change) error { return c.SetSecret("a", value) }),
		"update in change": change(func(c *secrets.Change) error { return c.UpdateSecret("a", value, nil) }),
	})
	if fmt.Sprint(before) != fmt.Sprint(entries(t, f.store, "")) {
		t.Error("something was written")
	}
}

func TestValuesAreComparedWithoutACopyOfThem(t *testing.T) {
	huge, large, same := secrets.Text(hugeText(t)), secrets.Text(hugeText(t)[:4<<20]), secrets.Text(hugeText(t)[:4<<20])
	cost := costs(func() {
		if huge.Equal(large) || large.Equal(huge) || huge.Equal(secrets.Value{}) {
			t.Error("values of different lengths are equal")
		}
		if !large.Equal(same) {
			t.Error("equal values are not")
		}
	})
	if cost > 1<<20 {
		t.Errorf("%d KiB", cost>>10)
	}
}

func TestAnEnvironmentTakesAValueOf1GiBWithoutACopyOfIt(t *testing.T) {
	value := secrets.Text(hugeText(t))
	wantCheap(t, secrets.ErrInvalidEnv, map[string]func() error{"NUL": func() error {
		return failure(secrets.NewEnvironment(secrets.Variable{Name: "A", Value: value}))
	}})
	var env *secrets.Environment
	cost := costs(func() {
		var err error
		if env, err = secrets.NewEnvironment(secrets.Variable{Name: secrets.NoEnv, Value: value, Secret: "a"}); err != nil {
			t.Error(err)
		}
		if v, ok := env.Secret("a"); !ok || v.Len() != value.Len() {
			t.Error("the value is not there")
		}
		_ = fmt.Sprintf("%v %+v %#v %s %x", env, value, value, value, value)
	})
	if cost > 1<<20 {
		t.Errorf("%d KiB", cost>>10)
	}
}

func TestNamesOf1GiBAreRefusedWithoutACopyOfThem(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", "one")
	text, ctx := hugeText(t), t.Context()
	name := secrets.Name(text)
	do := map[string]func() error{
		"parse":  func() error { return failure(secrets.ParseName(text)) },
		"after":  func() error { return listed(f.org.Secrets(ctx, &secrets.ListOptions{After: name})) },
		"prefix": func() error { return listed(f.org.Services(ctx, &secrets.ListOptions{Prefix: text})) },
		"prefix of organizations": func() error {
			return listed(f.client.Organizations(ctx, &secrets.ListOptions{Prefix: text}))
		},
		"change": func() error {
			return f.org.Change(ctx, func(c *secrets.Change) error { return c.DeleteSecret(name, nil) })
		},
		"reveal version": func() error { return failure(f.org.RevealVersion(ctx, name, 1)) },
		"roll back":      func() error { return failure(f.org.RollbackSecret(ctx, name, 1, nil)) },
		"confirm":        func() error { return failure(f.org.ConfirmDeletion(ctx, name)) },
		"secret of a variable": func() error {
			return failure(secrets.NewEnvironment(secrets.Variable{Name: "A", Secret: name}))
		},
	}
	for _, c := range slices.Concat(
		clientCalls(f.client, name), secretCalls(f.org, name), serviceCalls(f.org, name),
		[]call{grantCall(f.api, name, "A", "A"), grantCalls(f.api, name)[1]},
	) {
		do[c.at.Op] = func() error { return c.do(ctx) }
	}
	wantCheap(t, secrets.ErrInvalidName, do)
}

func TestVariablesTokensAndIDsOf1GiBAreRefusedWithoutACopyOfThem(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", "one")
	text, ctx := hugeText(t), t.Context()
	token := hugeBytes(t)
	copy(token, "sks1_")
	wantCheap(t, secrets.ErrInvalidEnv, map[string]func() error{
		"check":    func() error { return secrets.CheckEnv(text) },
		"grant":    func() error { return failure(f.api.Grant(ctx, "a", text)) },
		"variable": func() error { return failure(secrets.NewEnvironment(secrets.Variable{Name: text})) },
		"allow": func() error {
			return failure(secrets.Open(f.store, f.root, &secrets.Options{AllowEnv: []string{text}}))
		},
	})
	wantCheap(t, secrets.ErrUnauthenticated, map[string]func() error{
		"a token":            func() error { return failure(secrets.ParseToken(unsafe.String(&token[0], len(token)))) },
		"without its prefix": func() error { return failure(secrets.ParseToken(text)) },
	})
	wantCheap(t, secrets.ErrNotFound, map[string]func() error{
		"id of a token": func() error { return f.api.RevokeToken(ctx, text) },
		"id of a key":   func() error { return f.org.RetireKey(ctx, text) },
	})
	wantCheap(t, secrets.ErrConflict, map[string]func() error{
		"id of a secret to update": func() error {
			return failure(f.org.UpdateSecret(ctx, "a", secrets.Text("v"), &secrets.UpdateOptions{IfID: text}))
		},
		"id of a secret to delete": func() error { return f.org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{IfID: text}) },
	})
}

// hugeAnswers are answers of Get and List that are far too large.
func hugeAnswers(t *testing.T) map[string]func([]storage.Entry) []storage.Entry {
	huge := hugeBytes(t)
	huge[0] = 1 // the format of records
	tagged := bytes.Clone(huge[:2<<20])
	tagged[1] = 45 // the length of a tag
	many := make([]storage.Entry, 1_000_000)
	for i := range many {
		many[i] = storage.Entry{Key: "org/acme/env/api/a", Version: 1}
	}
	long, slashes := strings.Repeat("a", 1<<20), strings.Repeat("/", 1<<20)
	return map[string]func([]storage.Entry) []storage.Entry{
		"entries of 1 GiB":   each(func(e *storage.Entry) { e.Value = huge }),
		"a tag, and 2 MiB":   each(func(e *storage.Entry) { e.Value = tagged }),
		"a million entries":  func([]storage.Entry) []storage.Entry { return many },
		"a million more":     func(found []storage.Entry) []storage.Entry { return slices.Concat(found, many) },
		"keys of 1 MiB":      each(func(e *storage.Entry) { e.Key += long }),
		"keys of many parts": each(func(e *storage.Entry) { e.Key += slashes }),
	}
}

func TestAnswersOfAStoreThatAreFarTooLargeAreRefusedWithoutACopyOfThem(t *testing.T) {
	const most = 4 << 20 // for a dozen calls; and for none of them what the store allocates
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	truth, highest := f.answers(t, token), uint64(0)
	for what, answer := range hugeAnswers(t) {
		for _, h := range []*hostile{{get: answer}, {list: func(_ int, page []storage.Entry) []storage.Entry { return answer(page) }}} {
			h.Store = f.store
			counting := &uncounted{Store: h}
			c := &fixture{store: counting, root: f.root}
			c.client = c.open(t, counting)
			var answers map[string]string
			cost := costs(func() {
				answers = c.answers(t, token)
				_, _ = c.client.Verify(t.Context(), "acme") // what it finds is another test's
			}) - counting.bytes
			if cost > most {
				t.Errorf("%s, by List %t: %d KiB", what, h.list != nil, cost>>10)
			}
			highest = max(highest, cost)
			for about, got := range answers {
				if got != truth[about] && got != answerRefused && got != answerGone && got != "[]" && !strings.Contains(got, notAsked) {
					t.Errorf("%s: %s: %.200s", what, about, got)
				}
			}
		}
	}
	t.Attr("bytes-of-memory-at-most", fmt.Sprint(highest))
}

func TestACacheThatIsFarTooLargeIsNotRead(t *testing.T) {
	const small = 16 << 20
	o := newOffline(t)
	o.wantStart(t, "one", nil)
	o.away.off.Store(true)
	for size, most := range map[int64]uint64{small: small + 1<<20, 1 << 30: 1 << 20} {
		if err := os.Truncate(o.path, size); err != nil { // which takes no space
			t.Fatal(err)
		}
		cost := costs(func() { o.wantStart(t, "", secrets.ErrUnavailable) })
		if cost > most {
			t.Errorf("a file of %d MiB: %d KiB", size>>20, cost>>10)
		}
	}
}

// An uncounted store counts what the one below allocates. It is for one goroutine.
type uncounted struct {
	storage.Store
	bytes uint64
}

func (u *uncounted) Get(ctx context.Context, keys ...string) (found []storage.Entry, err error) {
	u.bytes += costs(func() { found, err = u.Store.Get(ctx, keys...) })
	return found, err
}

func (u *uncounted) List(ctx context.Context, prefix, after string, limit int) (page []storage.Entry, err error) {
	u.bytes += costs(func() { page, err = u.Store.List(ctx, prefix, after, limit) })
	return page, err
}
