package torture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// FuzzSteps is TestStepsTamperingAndCrashesKeepToTheModel, with the steps drawn by
// the fuzzer, which keeps those that reach new code and goes on from there.
func FuzzSteps(f *testing.F) {
	root := newRoot(f)
	run := rapid.MakeFuzz(func(t *rapid.T) { newMachine(t, root).run(t) })
	f.Fuzz(func(t *testing.T, drawn []byte) { run(t, draws(drawn)) })
}

const (
	mostDraws = 1 << 10 // some fifty steps, which take tens of milliseconds
	lastDraws = 1 << 6  // more than one step takes
)

// draws makes what rapid draws from, eight bytes for each draw, of one byte for
// each: an input is then short, and changing a byte of it changes one decision.
// Behind them are zeros, with which a step that was begun ends, and no other begins.
func draws(input []byte) []byte {
	input = input[:min(len(input), mostDraws)]
	all := make([]byte, 0, 8*(len(input)+lastDraws))
	for _, b := range input {
		all = append(all, b, b, b, b, b, b, b, b)
	}
	return all[:cap(all)]
}

// A corpus that says nothing any more, since what is drawn has changed, is one from
// which the fuzzer begins with nothing.
func TestCorpusOfStepsMeetsEveryStepAndFault(t *testing.T) {
	t.Parallel()
	root, met := newRoot(t), map[string]bool{}
	for name, input := range corpus(t, "FuzzSteps") {
		rapid.MakeFuzz(func(t *rapid.T) {
			m := newMachine(t, root)
			m.met = met
			m.run(t)
		})(t, draws(input))
		if t.Failed() {
			t.Fatal(name)
		}
	}
	wanted := []string{"tamper: remove", "tamper: edit", "tamper: put back", "create: exists", "delete: in use", "update: not found", "revoke token: not found"}
	for _, kind := range kinds() {
		wanted = append(wanted, kind+": done")
	}
	for _, fault := range storagetest.Faults() {
		wanted = append(wanted, fmt.Sprintf("crash with %v", fault))
	}
	missing := slices.DeleteFunc(wanted, func(what string) bool { return met[what] })
	if diff := cmp.Diff([]string{}, missing); diff != "" {
		t.Errorf("not met (-want +got):\n%s", diff)
	}
}

// corpus returns the committed inputs of a fuzz target that takes bytes.
func corpus(t *testing.T, target string) map[string][]byte {
	t.Helper()
	folder := filepath.Join("testdata", "fuzz", target)
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatalf("no input in %s, %v", folder, err)
	}
	inputs := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		_, quoted, _ := strings.Cut(strings.TrimSpace(string(text)), "[]byte(")
		input, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
		if err != nil {
			t.Fatalf("%s: %v", file.Name(), err)
		}
		inputs[file.Name()] = []byte(input)
	}
	return inputs
}
