package secretstest_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

const canary = "hunter2 \"<é>\n$x"

// A recorder is a testing.TB whose failures are looked at instead of reported.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) {
	r.failures = append(r.failures, fmt.Sprint(args...))
	panic(r)
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// record runs NoLeak and returns its failures.
func record(t *testing.T, fn func() error, canaries ...string) []string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		secretstest.NoLeak(r, fn, canaries...)
	}()
	return r.failures
}

// silent is an error whose text is harmless.
type silent struct {
	Inner string `json:"inner"`
	wrap  []error
}

func (silent) Error() string     { return "silent" }
func (s silent) Unwrap() []error { return s.wrap }

type marshaled struct{}

func (marshaled) Error() string                { return "marshaled" }
func (marshaled) MarshalJSON() ([]byte, error) { return json.Marshal(canary) }

type valued struct{}

func (valued) Error() string        { return "valued" }
func (valued) LogValue() slog.Value { return slog.StringValue(canary) }

type formatted struct{}

func (formatted) Error() string { return canary }
func (formatted) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("formatted"))
}

type joined struct{ error }

func (joined) Error() string   { return "joined" }
func (j joined) Unwrap() error { return j.error }

func TestNoLeakFindsEachPlace(t *testing.T) {
	leaks := map[string]func() error{
		"error text":          func() error { return errors.New("no " + canary) },
		"exported field":      func() error { return silent{Inner: canary} },
		"wrapped":             func() error { return joined{errors.New(canary)} },
		"one of many wrapped": func() error { return silent{wrap: []error{errors.New("a"), joined{errors.New(canary)}}} },
		"MarshalJSON":         func() error { return marshaled{} },
		"LogValue":            func() error { return valued{} },
		"Error but not fmt":   func() error { return formatted{} },
		"standard output":     func() error { fmt.Println(canary); return nil },
		"standard error":      func() error { fmt.Fprintln(os.Stderr, canary); return nil },
		"log":                 func() error { log.Print(canary); return nil },
		"slog message":        func() error { slog.Info(canary); return nil },
		"slog value":          func() error { slog.Error("x", "y", canary); return nil },
		"slog debug":          func() error { slog.Debug("x", "y", canary); return nil },
		"slog below debug":    func() error { slog.Log(context.Background(), -100, canary); return nil },
		"panic":               func() error { panic("no " + canary) },
		"panic with an error": func() error { panic(joined{errors.New(canary)}) },
		"quoted in a log":     func() error { slog.Error("x", "error", fmt.Errorf("no %q", canary)); return nil },
	}
	for name, fn := range leaks {
		failures := record(t, fn, canary)
		if len(failures) == 0 {
			t.Errorf("%s: no failure", name)
		}
		if strings.Contains(strings.Join(failures, ""), "hunter2") {
			t.Errorf("%s: the failure repeats the canary: %q", name, failures)
		}
	}
}

func TestNoLeakFindsEachForm(t *testing.T) {
	quoted, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"raw":            canary,
		"hex":            hex.EncodeToString([]byte(canary)),
		"upper hex":      strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"spaced hex":     fmt.Sprintf("% x", canary),
		"byte list":      fmt.Sprint([]byte(canary)),
		"Go byte list":   fmt.Sprintf("%#v", []byte(canary)),
		"query":          url.QueryEscape(canary),
		"path":           url.PathEscape(canary),
		"Go quoted":      fmt.Sprintf("%q", canary),
		"ASCII quoted":   fmt.Sprintf("%+q", canary),
		"JSON":           string(quoted),
		"JSON of quoted": fmt.Sprintf("%q", fmt.Sprintf("a %q", canary)),
	}
	for offset := range 3 {
		text := strings.Repeat("a", offset) + canary
		for _, after := range []string{"", "b", "bb"} {
			name := fmt.Sprint("base64 at ", offset, after)
			texts["standard "+name] = base64.StdEncoding.EncodeToString([]byte(text + after))
			texts["URL "+name] = base64.URLEncoding.EncodeToString([]byte(text + after))
		}
	}
	for name, text := range texts {
		if len(record(t, func() error { return errors.New("x" + text + "y") }, canary)) == 0 {
			t.Errorf("%s: no failure", name)
		}
	}
}

func TestNoLeakPassesWhatIsClean(t *testing.T) {
	clean := map[string]func() error{
		"nothing":   func() error { return nil },
		"a Value":   func() error { slog.Error("x", "v", secrets.Text(canary)); return nil },
		"an error":  func() error { return fmt.Errorf("x: %w", errors.Join(errors.New("y"), os.ErrNotExist)) },
		"a panic":   func() error { panic("stop") },
		"some text": func() error { fmt.Println("out"); log.Print("log"); return nil },
	}
	for name, fn := range clean {
		if failures := record(t, fn, canary, "another one"); len(failures) > 0 {
			t.Errorf("%s: %q", name, failures)
		}
	}
}

func TestNoLeakSaysWhichCanary(t *testing.T) {
	failures := record(t, func() error { fmt.Println("the second one"); return nil }, canary, "second one")
	want := "secretstest: canary 1 leaks, as it is, in the standard output"
	if len(failures) != 1 || failures[0] != want {
		t.Errorf("got %q, want %q", failures, want)
	}
}

func TestNoLeakRefusesCanariesThatProveNothing(t *testing.T) {
	ran := false
	fn := func() error { ran = true; return nil }
	for _, canaries := range [][]string{nil, {""}, {canary, "seven77"}} {
		failures := record(t, fn, canaries...)
		if len(failures) != 1 || strings.Contains(failures[0], "seven77") {
			t.Errorf("%q: got %q", canaries, failures)
		}
	}
	if ran {
		t.Error("the function was run")
	}
}

func TestNoLeakPutsEverythingBack(t *testing.T) {
	stdout, stderr, logger, writer, flags := os.Stdout, os.Stderr, slog.Default(), log.Writer(), log.Flags()
	for _, fn := range []func() error{
		func() error { return nil },
		func() error { panic("stop") },
	} {
		record(t, fn, canary)
	}
	var wait sync.WaitGroup
	wait.Go(func() { // as t.FailNow ends a test
		secretstest.NoLeak(t, func() error { runtime.Goexit(); return nil }, canary)
	})
	wait.Wait()
	if os.Stdout != stdout || os.Stderr != stderr || slog.Default() != logger || log.Writer() != writer || log.Flags() != flags {
		t.Error("something was not put back")
	}
}

func TestNoLeakWorksInParallel(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			own := fmt.Sprintf("canary number %02d", i)
			other := fmt.Sprintf("canary number %02d", i+1)
			if len(record(t, func() error { fmt.Println(own); log.Print(own); return nil }, own)) != 2 {
				t.Error("its own output was not found")
			}
			if len(record(t, func() error { fmt.Println(own); return nil }, other)) != 0 {
				t.Error("another's output was found")
			}
		})
	}
	wait.Wait()
}

func TestEnvironmentNamesTheSecrets(t *testing.T) {
	t.Parallel()
	env := secretstest.Environment(t, map[string]string{
		"DATABASE_URL": "a", "_2FA_KEY": "b", "lower": "c", "_LEADING": "d", "X": "", "PATH": "e",
	})
	got := make(map[string]secrets.Name)
	for v := range env.All() {
		got[v.Name] = v.Secret
	}
	want := map[string]secrets.Name{
		"DATABASE_URL": "database-url", "_2FA_KEY": "2fa-key", "lower": "", "_LEADING": "", "X": "x", "PATH": "path",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if value, ok := env.Lookup("_2FA_KEY"); !ok || value.Reveal() != "b" {
		t.Errorf("_2FA_KEY is not there, or not b")
	}
}

func TestEnvironmentRefusesWhatIsNoVariable(t *testing.T) {
	t.Parallel()
	for _, vars := range []map[string]string{{"A=B": "x"}, {"A": "x\x00"}, {"a": "x", "A": "y"}} {
		r := &recorder{TB: t}
		func() {
			defer func() { recover() }()
			secretstest.Environment(r, vars)
		}()
		if len(r.failures) != 1 {
			t.Errorf("%q: got %q", vars, r.failures)
		}
	}
}
