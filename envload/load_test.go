package envload_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

func TestGodotenv127LoadSetsEveryByte(t *testing.T) {
	values := vars{
		"ENVLOAD_A": "pa$$word$HOME ${PATH}",
		"ENVLOAD_B": "# not a comment",
		"ENVLOAD_C": "-----BEGIN KEY-----\nline\r\n\ttab\n-----END KEY-----\n",
		"ENVLOAD_D": ` "quoted" 'twice' \n `,
		"ENVLOAD_E": "caf\u00e9 \U0001f511",
		"ENVLOAD_F": "\xff\xfe\x01\x80 not UTF-8",
		"ENVLOAD_G": "=a=b=",
		"ENVLOAD_H": "",
	}
	for name := range values {
		unset(t, name)
	}
	if _, err := envload.Load(t.Context(), secretstest.Environment(t, values), nil); err != nil {
		t.Fatal(err)
	}
	inherited := child(t, nil)
	for name, want := range values {
		if got, ok := os.LookupEnv(name); !ok || got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if !slices.Contains(inherited, name+"="+want) {
			t.Errorf("%s: the child has not inherited it", name)
		}
	}
}

func TestLoadReportsWhatItDid(t *testing.T) {
	unset(t, "ENVLOAD_A", "ENVLOAD_C")
	t.Setenv("ENVLOAD_B", "old")
	src, err := secrets.NewEnvironment(
		secrets.Variable{Name: "ENVLOAD_C", Value: secrets.Text("c")},
		secrets.Variable{Name: "ENVLOAD_B", Value: secrets.Text("b"), Secret: "b", ID: "22", Version: 5},
		secrets.Variable{Name: "ENVLOAD_A", Value: secrets.Text("a"), Secret: "a-key", ID: "11", Version: 3},
		secrets.Variable{Name: secrets.NoEnv, Value: secrets.Text("d"), Secret: "d"},
	)
	if err != nil {
		t.Fatal(err)
	}
	report, err := envload.Load(t.Context(), src, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &envload.Report{Variables: []envload.Loaded{
		{Name: "ENVLOAD_A", Secret: "a-key", ID: "11", Version: 3, Action: envload.Set},
		{Name: "ENVLOAD_B", Secret: "b", ID: "22", Version: 5, Action: envload.Kept},
		{Name: "ENVLOAD_C", Action: envload.Set},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	text := "ENVLOAD_A set from secret \"a-key\" version 3\nENVLOAD_B kept\nENVLOAD_C set"
	if got := report.String(); got != text {
		t.Errorf("got %q, want %q", got, text)
	}

	report, err = envload.Load(t.Context(), src, &envload.Options{Existing: envload.Overwrite})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Variables {
		want.Variables[i].Action = envload.Overwritten
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("second report (-want +got):\n%s", diff)
	}
}

func TestLoadTwiceKeeps(t *testing.T) {
	unset(t, "ENVLOAD_A")
	for i, value := range []string{"first", "second"} {
		if _, err := envload.Load(t.Context(), secretstest.Environment(t, vars{"ENVLOAD_A": value}), nil); err != nil {
			t.Fatal(err)
		}
		if got := os.Getenv("ENVLOAD_A"); got != "first" {
			t.Errorf("after call %d: %q", i, got)
		}
	}
}

func TestLoadSetsNothingIfAnythingIsWrong(t *testing.T) {
	unset(t, "ENVLOAD_A", "ENVLOAD_MISSING")
	t.Setenv("ENVLOAD_B", "old")
	wrong := map[string]struct {
		more vars
		opts envload.Options
	}{
		"privileged name":  {more: vars{"LD_PRELOAD": "x"}},
		"required missing": {opts: envload.Options{Required: []string{"ENVLOAD_MISSING"}}},
		"too large":        {more: vars{"ENVLOAD_Z": strings.Repeat("x", 128<<10)}},
		"Base":             {opts: envload.Options{Base: []string{}}},
		"unknown rule":     {opts: envload.Options{Existing: 9}},
		"existing":         {opts: envload.Options{Existing: envload.Fail}},
	}
	for name, w := range wrong {
		values := vars{"ENVLOAD_A": "new", "ENVLOAD_B": "new"}
		for k, v := range w.more {
			values[k] = v
		}
		if w.opts.Existing == envload.Keep {
			w.opts.Existing = envload.Overwrite
		}
		before := os.Environ()
		report, err := envload.Load(t.Context(), secretstest.Environment(t, values), &w.opts)
		if err == nil || report != nil {
			t.Errorf("%s: got %v, %v", name, report, err)
		}
		if diff := cmp.Diff(before, os.Environ()); diff != "" {
			t.Errorf("%s: the environment changed", name)
		}
	}
}

func TestLoadUndoesWhatItDidIfSetenvFails(t *testing.T) {
	values := vars{"ENVLOAD_A": "new", "ENVLOAD_B": "new", "ENVLOAD_C": "new", "ENVLOAD_D": "new"}
	unset(t, "ENVLOAD_A", "ENVLOAD_C", "ENVLOAD_D")
	t.Setenv("ENVLOAD_B", "old\n")
	before := os.Environ()
	slices.Sort(before)
	for fail := range len(values) {
		calls := 0
		setenv := func(name, value string) error {
			if calls++; calls > fail {
				return os.NewSyscallError("setenv "+value, syscall.ENOMEM)
			}
			return os.Setenv(name, value)
		}
		src := secretstest.Environment(t, values)
		_, err := envload.LoadWith(t.Context(), src, &envload.Options{Existing: envload.Overwrite}, setenv)
		name := string(rune('A' + fail))
		wantProblems(t, err, fmt.Sprintf(`ENVLOAD_%s (secret "envload-%s"): cannot be set: cannot allocate memory`, name, strings.ToLower(name)))
		if !errors.Is(err, syscall.ENOMEM) {
			t.Errorf("got %v", err)
		}
		after := os.Environ()
		slices.Sort(after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("failure of call %d (-before +after):\n%s", fail, diff)
		}
	}
}

func TestLoadRefusesWhatNoProgramCouldBeStartedWith(t *testing.T) {
	const name = "ENVLOAD_A"
	unset(t, name)
	largest := (128 << 10) - len(name) - len("=") - 1
	load := func(size int) error {
		src := secretstest.Environment(t, vars{name: strings.Repeat("x", size)})
		_, err := envload.Load(t.Context(), src, &envload.Options{Existing: envload.Overwrite})
		return err
	}
	if err := load(largest + 1); !errors.Is(err, envload.ErrTooLarge) {
		t.Errorf("one byte too many: got %v", err)
	}
	if err := load(largest); err != nil {
		t.Fatal(err)
	}
	if got := child(t, nil); !slices.ContainsFunc(got, func(s string) bool { return len(s) == len(name)+1+largest }) {
		t.Error("the child has not got the largest variable")
	}
}

func TestLoadRefusesTooMuchInAll(t *testing.T) {
	values := make(vars)
	for i := range 12 {
		values[fmt.Sprintf("ENVLOAD_%c", 'A'+i)] = strings.Repeat("x", 100_000)
	}
	_, err := envload.Load(t.Context(), secretstest.Environment(t, values), nil)
	if !errors.Is(err, envload.ErrTooLarge) || !strings.Contains(err.Error(), "in all") {
		t.Errorf("got %v", err)
	}
	for name := range values {
		if _, set := os.LookupEnv(name); set {
			t.Errorf("%s is set", name)
		}
	}
}

func TestManyVariablesAreSetTogetherOrNotAtAll(t *testing.T) {
	before := os.Environ()
	largest := strings.Repeat("x", secrets.MaxValue)
	for _, value := range []string{strings.Repeat("x", 300), largest} {
		values := make(vars)
		for i := range 4096 {
			values[fmt.Sprintf("ENVLOAD_%04d", i)] = value
		}
		src := secretstest.Environment(t, values)
		_, load := envload.Load(t.Context(), src, nil)
		_, environ := envload.Environ(t.Context(), src, nil)
		for _, err := range []error{load, environ} {
			if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], "in all, and may have 1048576") || !errors.Is(err, envload.ErrTooLarge) {
				t.Errorf("4,096 variables of %d bytes: got %d problems", len(value), len(got))
			}
		}
	}
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestLoadDoesNotMindWhatItDoesNotAddTo(t *testing.T) {
	unset(t, "ENVLOAD_SMALL")
	for i := range 10 {
		t.Setenv(fmt.Sprintf("ENVLOAD_%c", 'A'+i), strings.Repeat("x", 120_000))
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "x"})
	if _, err := envload.Load(t.Context(), src, nil); err != nil {
		t.Errorf("with nothing to set: %v", err)
	}
	src = secretstest.Environment(t, vars{"ENVLOAD_SMALL": "x"})
	if _, err := envload.Load(t.Context(), src, nil); !errors.Is(err, envload.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefusesBase(t *testing.T) {
	_, err := envload.Load(t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: os.Environ()})
	wantProblems(t, err, "invalid options: Base is for Parse and Environ")
}
