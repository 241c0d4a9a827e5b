package envload_test

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

func TestEnvironGivesTheChildThisAndNothingElse(t *testing.T) {
	t.Parallel()
	values := vars{
		"TEXT":   "pa$$word$HOME #x",
		"LINES":  "-----BEGIN KEY-----\nline\r\n-----END KEY-----\n",
		"BINARY": "\xff\xfe\x01\x80 \x7f",
		"EMPTY":  "",
	}
	got, err := envload.Environ(t.Context(), secretstest.Environment(t, values), &envload.Options{Base: []string{"LANG=C", "odd%name()=1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"LANG=C", "odd%name()=1",
		"BINARY=" + values["BINARY"], "EMPTY=", "LINES=" + values["LINES"], "TEXT=" + values["TEXT"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Environ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, child(t, got)); diff != "" {
		t.Errorf("child (-want +got):\n%s", diff)
	}
}

func TestEnvironOfNothingIsEmptyAndNotNil(t *testing.T) {
	t.Parallel()
	src := secretstest.Environment(t, nil)
	for _, opts := range []*envload.Options{nil, {}, {Base: []string{}}} {
		got, err := envload.Environ(t.Context(), src, opts)
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("got %#v, %v", got, err)
		}
		if seen := child(t, got); len(seen) != 0 {
			t.Errorf("the child has inherited %d variables", len(seen))
		}
	}
}

func TestEnvironTakesTheLastOfABaseVariable(t *testing.T) {
	t.Parallel()
	base := []string{"A=1", "B=2", "A=3", "C=4", "a=5", "A=6"}
	got, err := envload.Environ(t.Context(), secretstest.Environment(t, vars{"D": "7"}), &envload.Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"B=2", "C=4", "a=5", "A=6", "D=7"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cmd := exec.Command("unused")
	cmd.Env = slices.Clone(base)
	if diff := cmp.Diff(got[:4], cmd.Environ()); diff != "" {
		t.Errorf("not as in os/exec (-ours +theirs):\n%s", diff)
	}
	if base[0] != "A=1" || base[2] != "A=3" {
		t.Error("the caller's slice was changed")
	}
}

func TestEnvironRefusesWhatCannotBeStarted(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 128<<10-len("A=")-1)
	got, err := envload.Environ(t.Context(), secretstest.Environment(t, vars{"A": large}), &envload.Options{Base: []string{"B=" + large}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"B=" + large, "A=" + large}, child(t, got)); diff != "" {
		t.Error("the largest variables did not arrive")
	}
	_, err = envload.Environ(t.Context(), secretstest.Environment(t, vars{"A": large + "x"}), nil)
	if !errors.Is(err, envload.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	_, err = envload.Environ(t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: []string{"A=1", "B=" + large + "x"}})
	wantProblems(t, err, "entry 1 of Base: too large for an environment: it may have 131071 bytes")

	var base []string
	for i := range 8 {
		base = append(base, fmt.Sprint("N", i, "=", large[:len(large)-20]))
	}
	got, err = envload.Environ(t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	child(t, got)
	_, err = envload.Environ(t.Context(), secretstest.Environment(t, vars{"A": large}), &envload.Options{Base: base})
	if !errors.Is(err, envload.ErrTooLarge) || !strings.Contains(err.Error(), "in all") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironCountsThePointersToo(t *testing.T) {
	t.Parallel()
	base := make([]string, 70_000) // of 8 bytes each, and as much again for pointers
	for i := range base {
		base[i] = fmt.Sprintf("N%05d=", i)
	}
	src := secretstest.Environment(t, nil)
	got, err := envload.Environ(t.Context(), src, &envload.Options{Base: base[:65_000]})
	if err != nil {
		t.Fatal(err)
	}
	child(t, got)
	if _, err := envload.Environ(t.Context(), src, &envload.Options{Base: base}); !errors.Is(err, envload.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}
