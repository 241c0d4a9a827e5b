package main

import (
	"cmp"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A usageResult says which names of a foreign package our files mention, and which
// other foreign package would have it compiled without us.
type usageResult struct {
	Package string
	Names   []string
	Needed  string
}

// usage looks at all files that users compile, and returns the foreign packages
// that they import. Methods are not counted: a type that is mentioned has some.
func usage(ctx context.Context) ([]usageResult, error) {
	names := map[string]map[string]bool{}
	err := filepath.WalkDir(root(), func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && file != root() && skipped(entry.Name()) {
			return fs.SkipDir
		}
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		return addUsage(names, file)
	})
	if err != nil {
		return nil, err
	}
	needed, err := broughtBy(ctx)
	if err != nil {
		return nil, err
	}
	var list []usageResult
	for _, pkg := range slices.Sorted(maps.Keys(names)) {
		list = append(list, usageResult{pkg, slices.Sorted(maps.Keys(names[pkg])), needed[pkg]})
	}
	return list, nil
}

// broughtBy returns, of each package that a user of all drivers compiles, a
// foreign one that imports it.
func broughtBy(ctx context.Context) (map[string]string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./cmd/link/fromenv")
	output, err := list.Output()
	if err != nil {
		return nil, err
	}
	by := map[string]string{}
	for line := range strings.Lines(string(output)) {
		importer, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(importer, ourPath) {
			continue
		}
		for _, pkg := range strings.Fields(imports) {
			by[pkg] = cmp.Or(by[pkg], importer)
		}
	}
	return by, nil
}

// skipped are folders that users do not compile.
func skipped(folder string) bool {
	return strings.HasPrefix(folder, ".") ||
		slices.Contains([]string{"bench", "internal", "examples", "testdata", "docs", "compat"}, folder)
}

func addUsage(names map[string]map[string]bool, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	imported := map[string]string{}
	for _, spec := range parsed.Imports {
		pkg, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") || strings.HasPrefix(pkg, ourPath) {
			continue
		}
		imported[localName(spec, pkg)] = pkg
		if names[pkg] == nil {
			names[pkg] = map[string]bool{}
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && imported[x.Name] != "" {
			names[imported[x.Name]][selector.Sel.Name] = true
		}
		return true
	})
	return nil
}

// localName is what a file calls a package: its last element without a version
// and a prefix, if the import says nothing else.
func localName(spec *ast.ImportSpec, pkg string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	name := path.Base(pkg)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(pkg))
	}
	return strings.TrimPrefix(name, "go-")
}
