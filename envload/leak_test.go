package envload_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// canary is a value that no type but text can be read from, without any
// character that a list or a map would be cut at.
const canary = "Zq7$Wm2#Kp9%xzTb4"

// parts returns all strings of 6 bytes in canary, since an error that shows a
// part of a value (the unit of a duration, the host of a URL) leaks as well.
func parts() []string {
	var parts []string
	for i := range len(canary) - 5 {
		parts = append(parts, canary[i:i+6])
	}
	return parts
}

// wantNoLeak fails if the error of fn, which must be one, shows the canary or a
// part of it.
func wantNoLeak(t *testing.T, fn func() error) {
	t.Helper()
	var err error
	secretstest.NoLeak(t, func() error { err = fn(); return err }, canary)
	if err == nil {
		t.Fatal("no error")
	}
	wantNoPart(t, err)
}

func wantNoPart(t *testing.T, err error) {
	t.Helper()
	text := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s\n%v", err, err, err, err, err.Error(), slog.AnyValue(err))
	for _, part := range parts() {
		for _, form := range []string{part, hex.EncodeToString([]byte(part)), base64.RawStdEncoding.EncodeToString([]byte(part))} {
			if strings.Contains(text, form) {
				t.Errorf("a part of the canary is in a %T", err)
				return
			}
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			wantNoPart(t, inner)
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			wantNoPart(t, inner)
		}
	}
}

// leaky quotes what it refuses, as most types do.
type leaky struct{ Text string }

func (l *leaky) UnmarshalText(text []byte) error {
	return fmt.Errorf("leaky: cannot parse %q: %w", text, &os.PathError{Op: "open", Path: string(text), Err: os.ErrNotExist})
}

type leakyPanic struct{ Text string }

func (l *leakyPanic) UnmarshalText(text []byte) error {
	panic(errors.New("leaky: " + string(text)))
}

// fails returns what Parse says of a T with the canary in its field, from a
// secret and from the environment.
func fails[T any](t *testing.T, value string) {
	t.Helper()
	for _, opts := range []*envload.Options{{Base: []string{}}, {Base: []string{"A=" + value}}} {
		wantNoLeak(t, func() error {
			_, err := envload.Parse[T](t.Context(), secretstest.Environment(t, vars{"A": value}), opts)
			return err
		})
	}
}

func failsOne[T any](t *testing.T, value string) {
	t.Helper()
	fails[one[T]](t, value)
	fails[one[*T]](t, value)
	fails[struct {
		N []one[T] `envPrefix:"N"`

		One one[T]
	}](t, value)
}

func TestCVE20254166NoErrorOfParseCarriesAValue(t *testing.T) {
	failsOne[bool](t, canary)
	failsOne[int](t, canary)
	failsOne[int8](t, canary)
	failsOne[int16](t, canary)
	failsOne[int32](t, canary)
	failsOne[int64](t, canary)
	failsOne[uint](t, canary)
	failsOne[uint8](t, canary)
	failsOne[uint16](t, canary)
	failsOne[uint32](t, canary)
	failsOne[uint64](t, canary)
	failsOne[uintptr](t, canary)
	failsOne[float32](t, canary)
	failsOne[float64](t, canary)
	failsOne[complex128](t, canary)
	failsOne[port](t, canary)
	failsOne[time.Duration](t, canary)
	failsOne[time.Duration](t, "5"+canary)
	failsOne[time.Time](t, canary)
	failsOne[time.Location](t, canary)
	failsOne[url.URL](t, canary)
	failsOne[url.URL](t, "postgres://user:"+canary+"@host/db")
	failsOne[leaky](t, canary)
	failsOne[leakyPanic](t, canary)
	failsOne[[]int](t, "1,"+canary+",2")
	failsOne[[]*int](t, canary)
	failsOne[[]byte](t, canary)
	failsOne[[]time.Duration](t, "1s,"+canary)
	failsOne[[]url.URL](t, "http://a,"+canary)
	failsOne[[]leaky](t, canary)
	failsOne[[]*leaky](t, canary)
	failsOne[[]leakyPanic](t, canary)
	failsOne[[]any](t, canary)
	failsOne[map[string]int](t, "a:"+canary)
	failsOne[map[int]string](t, canary+":a")
	failsOne[map[string]string](t, canary)
	failsOne[map[string]leaky](t, "a:"+canary)
	failsOne[map[string]any](t, "a:"+canary)
	failsOne[[4]int](t, canary)
	failsOne[any](t, canary)
	failsOne[error](t, canary)
	failsOne[chan int](t, canary)
	failsOne[func()](t, canary)
	failsOne[**int](t, canary)
	fails[map[string]string](t, canary)
	fails[string](t, canary)
}

func TestNoErrorOfAnOptionCarriesAValue(t *testing.T) {
	fails[struct {
		A string `env:"A,file"`
	}](t, canary)
	fails[struct {
		A int    `env:"A,expand"`
		B string `env:"B,required"`
	}](t, canary)
	fails[struct {
		A string `env:"A,unset"`
	}](t, canary)
	fails[struct {
		A string `env:"A"`
		B int    `env:"B,expand" envDefault:"x${A}"`
	}](t, canary)
}

func TestNoErrorOfTheRulesCarriesAValue(t *testing.T) {
	t.Setenv("ENVLOAD_A", canary)
	large := strings.Repeat(canary, 10_000)
	src := secretstest.Environment(t, vars{"PATH": canary, "ENVLOAD_A": canary, "ENVLOAD_LARGE": large})
	for _, opts := range []envload.Options{
		{},
		{Existing: envload.Fail},
		{Existing: envload.Overwrite, Required: []string{"X", canary}, Base: []string{canary, "=" + canary, "A=" + canary + "\x00", "A=" + large}},
	} {
		wantNoLeak(t, func() error { _, err := envload.Load(t.Context(), src, &opts); return err })
		wantNoLeak(t, func() error { _, err := envload.Environ(t.Context(), src, &opts); return err })
		wantNoLeak(t, func() error { _, err := envload.Parse[one[int]](t.Context(), src, &opts); return err })
	}
}

func TestNoReportCarriesAValue(t *testing.T) {
	unset(t, "ENVLOAD_A")
	t.Setenv("ENVLOAD_B", canary)
	src := secretstest.Environment(t, vars{"ENVLOAD_A": canary, "ENVLOAD_B": canary})
	secretstest.NoLeak(t, func() error {
		report, err := envload.Load(t.Context(), src, nil)
		fmt.Printf("%v %+v %#v %s %q\n", report, report, *report, report, report)
		slog.Info("loaded", "report", report, "variables", report.Variables)
		return err
	}, canary)
}

func TestNoErrorOfTokenCarriesIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range []vars{
		{"ENVLOAD_TOKEN": canary},
		{"ENVLOAD_TOKEN": "sks1_" + canary},
		{"ENVLOAD_TOKEN": canary, "ENVLOAD_TOKEN_FILE": canary},
		{"ENVLOAD_TOKEN_FILE": canary},
		{"ENVLOAD_TOKEN_FILE": "/" + canary + "/\x01" + strings.Repeat(canary, 1000)},
		{"ENVLOAD_TOKEN_FILE": file},
		{"ENVLOAD_TOKEN_FILE": filepath.Dir(file)},
	} {
		unset(t, "ENVLOAD_TOKEN", "ENVLOAD_TOKEN_FILE")
		for name, value := range v {
			t.Setenv(name, value)
		}
		wantNoLeak(t, func() error { _, err := envload.Token("ENVLOAD_TOKEN"); return err })
	}
	wantNoLeak(t, func() error { _, err := envload.Token(canary); return err })
}
