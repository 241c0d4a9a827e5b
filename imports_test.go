package secrets_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-9f6dc42a/secrets"

// imports is what the files of one package may import beside the standard
// library. An entry that ends in /... admits everything below it.
type imports struct {
	files []string // that are built into programs
	tests []string // beside those of files and of commonTests
}

// commonTests is what the tests of every package may import.
var commonTests = []string{
	"github.com/google/go-cmp/cmp/...",
	"pgregory.net/rapid",
	module + "/internal/leaktest",
}

// allowedImports has an entry for each folder with Go files: the directions in
// which the packages of this module may depend on each other.
var allowedImports = map[string]imports{
	".": {
		files: []string{module + "/crypto", module + "/storage", module + "/internal/regular", "github.com/fxamacker/cbor/v2"},
		tests: []string{
			module + "/envload", module + "/secretstest", module + "/storage/storagetest", module + "/internal/testserver", module + "/internal/etcdtest",
			module + "/storage/memory", module + "/storage/sqlite", module + "/storage/postgres", module + "/storage/etcd",
			"github.com/jackc/pgx/v5/pgxpool", "github.com/tink-crypto/tink-go/v2/...", "go.etcd.io/etcd/client/v3",
		},
	},
	"crypto": {
		files: []string{"github.com/tink-crypto/tink-go/v2/..."},
	},
	"storage": {
		tests: []string{module + "/storage/memory"},
	},
	"storage/memory": {
		files: []string{module + "/storage"},
		tests: []string{module + "/storage/storagetest"},
	},
	"storage/sqlite": {
		files: []string{module + "/storage", "github.com/ncruces/...", "golang.org/x/sys/..."},
		tests: []string{module + "/storage/storagetest"},
	},
	"storage/postgres": {
		files: []string{module + "/storage", "github.com/jackc/pgx/v5/..."},
		tests: []string{module + "/internal/testserver", module + "/storage/storagetest"},
	},
	"storage/etcd": {
		files: []string{module + "/storage", "go.etcd.io/etcd/api/v3/...", "go.etcd.io/etcd/client/v3", "google.golang.org/grpc/..."},
		tests: []string{module + "/storage/storagetest", module + "/internal/etcdtest", module + "/internal/testserver"},
	},
	"internal/etcdtest": { // for tests only
		files: []string{"go.etcd.io/etcd/api/v3/...", "go.etcd.io/etcd/client/v3", "go.uber.org/zap"},
	},
	"storage/storagetest": {
		files: []string{module + "/storage"},
		tests: []string{module + "/storage/memory"},
	},
	"envload": {
		files: []string{module, module + "/internal/regular", "github.com/caarlos0/env/v11"},
		tests: []string{module + "/crypto", module + "/secretstest", module + "/storage", module + "/storage/memory"},
	},
	"envload/fromenv": { // apart, so that envload links no driver
		files: []string{
			module, module + "/envload", module + "/storage", module + "/storage/sqlite", module + "/storage/postgres", module + "/storage/etcd",
			"go.etcd.io/etcd/api/v3/v3rpc/rpctypes", "go.etcd.io/etcd/client/v3", "go.uber.org/zap",
		},
		tests: []string{module + "/crypto", module + "/internal/apptest", module + "/secretstest", module + "/internal/etcdtest"},
	},
	"envload/autoload": {
		files: []string{module + "/envload/fromenv"},
		tests: []string{module, module + "/internal/apptest", module + "/storage/sqlite"},
	},
	"secretstest": {
		files: []string{module, module + "/crypto", module + "/storage", module + "/storage/memory"},
	},
	"internal/testserver": {},
	"internal/leaktest": { // for tests only
		files: []string{"go.uber.org/goleak"},
	},
	"internal/regular":     {},
	"internal/reliability": {},
	"internal/torture": { // tests only
		tests: []string{
			module, module + "/crypto", module + "/envload", module + "/storage", module + "/storage/storagetest", module + "/storage/memory", module + "/storage/sqlite",
			module + "/storage/postgres", module + "/storage/etcd", module + "/internal/testserver", module + "/internal/etcdtest",
			"github.com/anishathalye/porcupine", "github.com/jackc/pgx/v5/...", "go.etcd.io/etcd/api/v3/...", "go.etcd.io/etcd/client/v3",
		},
	},
	"internal/apptest": { // for tests only
		files: []string{
			module, module + "/crypto", module + "/storage", module + "/internal/testserver", module + "/internal/etcdtest", "github.com/jackc/pgx/v5",
		},
	},
}

// exampleImports holds for every folder under examples: what a user imports.
var exampleImports = imports{
	files: []string{
		module, module + "/crypto", module + "/envload", module + "/envload/fromenv", module + "/storage", module + "/storage/sqlite",
		"github.com/ncruces/go-sqlite3/driver",
	},
	tests: []string{module + "/internal/apptest"},
}

// The files are parsed here, not listed by go list: go test caches a result by
// the files that the test itself opens.
func TestPackagesImportOnlyWhatTheirLayerMay(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, file := range goFiles(t) {
		folder := path.Dir(file)
		found[folder] = true
		allowed, ok := importsOf(folder)
		if !ok {
			t.Errorf("%s: package folder %q has no entry in allowedImports", file, folder)
			continue
		}
		for _, imported := range parseImports(t, file) {
			if !allowed.admit(folder, file, imported) {
				t.Errorf("%s imports %s, which allowedImports does not admit for %q", file, imported, folder)
			}
		}
	}
	for folder := range allowedImports {
		if !found[folder] {
			t.Errorf("allowedImports has an entry for %q, which has no Go files", folder)
		}
	}
}

func TestImportsAreRefusedOutsideTheTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, imported string
		want           bool
	}{
		{"storage/limit.go", "context", true},
		{"storage/limit.go", module + "/crypto", false},
		{"storage/limit.go", "github.com/google/go-cmp/cmp", false},
		{"storage/limit_test.go", "github.com/google/go-cmp/cmp", true},
		{"storage/limit_test.go", module + "/storage", true},
		{"storage/memory/memory.go", module + "/storage/storagetest", false},
		{"secrets.go", module + "/storage/sqlite", false},
		{"secrets_test.go", module + "/storage/sqlite", true},
		{"crypto/root.go", "github.com/tink-crypto/tink-go/v2/aead", true},
		{"crypto/root.go", "github.com/tink-crypto/tink-go/v2evil/aead", false},
		{"crypto/root.go", "github.com/google/tink/go/aead", false},
		{"examples/webapp/main.go", module + "/envload", true},
		{"examples/webapp/main.go", module + "/examples/quickstart", false},
	} {
		folder := path.Dir(test.file)
		allowed, _ := importsOf(folder)
		if got := allowed.admit(folder, test.file, test.imported); got != test.want {
			t.Errorf("%s importing %s: admitted = %t, want %t", test.file, test.imported, got, test.want)
		}
	}
}

func importsOf(folder string) (imports, bool) {
	if strings.HasPrefix(folder, "examples/") {
		return exampleImports, true
	}
	allowed, ok := allowedImports[folder]
	return allowed, ok
}

// admit tells whether the file in the folder may import the package.
func (i imports) admit(folder, file, imported string) bool {
	if isStandard(imported) || admits(i.files, imported) {
		return true
	}
	if !strings.HasSuffix(file, "_test.go") {
		return false
	}
	self := path.Join(module, folder)
	return imported == self || admits(i.tests, imported) || admits(commonTests, imported)
}

// isStandard tells whether a package is of the standard library: the first
// element of its path has no dot.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func admits(list []string, imported string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		parent, below := strings.CutSuffix(entry, "/...")
		return imported == parent || below && strings.HasPrefix(imported, parent+"/")
	})
}

// goFiles returns the Go files of the module, with slashes, from the folder of
// this test, which is the module's.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && isOutside(name) {
			return fs.SkipDir
		}
		if !entry.IsDir() && filepath.Ext(name) == ".go" {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return files
}

// isOutside tells whether the go command takes a folder for no part of this
// module: hidden, testdata, or a nested module.
func isOutside(folder string) bool {
	if folder == "." {
		return false
	}
	base := filepath.Base(folder)
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func parseImports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, imported)
	}
	return list
}
