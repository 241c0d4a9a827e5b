package secrets_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// leastSeeds is how many inputs a corpus has at least.
const leastSeeds = 3

// A target whose corpus was moved, or never made, fuzzes from nothing without a
// word, and go test does not run it at all.
func TestEveryFuzzTargetHasACorpus(t *testing.T) {
	t.Parallel()
	targets := fuzzTargets(t)
	for folder := range targets {
		if seeds, err := os.ReadDir(filepath.FromSlash(folder)); err != nil || len(seeds) < leastSeeds {
			t.Errorf("%s: %d inputs, want %d: %v", folder, len(seeds), leastSeeds, err)
		}
	}
}

// A corpus without a target is one of a target that has got another name.
func TestEveryCorpusHasAFuzzTarget(t *testing.T) {
	t.Parallel()
	targets := fuzzTargets(t)
	searched := map[string]bool{}
	for _, file := range goFiles(t) {
		parent := path.Join(path.Dir(file), "testdata", "fuzz")
		if searched[parent] {
			continue
		}
		searched[parent] = true
		corpora, err := os.ReadDir(filepath.FromSlash(parent))
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		for _, corpus := range corpora {
			if folder := path.Join(parent, corpus.Name()); !targets[folder] {
				t.Errorf("%s belongs to no fuzz target", folder)
			}
		}
	}
}

// fuzzTargets returns the folders of the corpora that the fuzz targets of the
// module use.
func fuzzTargets(t *testing.T) map[string]bool {
	t.Helper()
	folders := map[string]bool{}
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				folders[path.Join(path.Dir(file), "testdata", "fuzz", f.Name.Name)] = true
			}
		}
	}
	if len(folders) == 0 {
		t.Fatal("no fuzz target found")
	}
	return folders
}
