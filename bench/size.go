package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// links are the programs of cmd/link, the smallest first.
var links = []string{"memory", "sqlite", "postgres", "etcd", "fromenv"}

// A linkResult is what a program takes that links one driver.
type linkResult struct {
	Name     string
	Bytes    int64
	Packages int            // compiled for it
	Foreign  int            // of those, neither of the standard library nor ours
	Modules  map[string]int // functions of each foreign module that are linked
}

const ourPath = "github.com/seed-9f6dc42a/secrets"

// sizes is what measuring them is called for -only.
const sizes = "sizes"

// measureSizes measures what users compile and link.
func (l *lab) measureSizes(r *report, w io.Writer) (err error) {
	if !l.only.MatchString(sizes) {
		return nil
	}
	fmt.Fprintln(w, sizes)
	for _, name := range links {
		link, err := l.link(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "    %-8s %s, %d packages, %d foreign\n", name, byteCount.format(float64(link.Bytes)), link.Packages, link.Foreign)
		r.Links = append(r.Links, link)
	}
	r.Usage, err = usage(l.ctx)
	return err
}

func (l *lab) link(name string) (linkResult, error) {
	r := linkResult{Name: name}
	program, err := l.program("link/" + name)
	if err != nil {
		return r, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return r, err
	}
	r.Bytes = info.Size()
	list, err := l.output("go", nil, "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}", "./cmd/link/"+name)
	if err != nil {
		return r, err
	}
	modules := map[string]string{} // by package
	for line := range strings.Lines(string(list)) {
		pkg, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.Packages++
		if module != "" && module != ourPath && !strings.HasPrefix(module, ourPath+"/") {
			modules[pkg] = module
		}
	}
	r.Foreign = len(modules)
	r.Modules, err = l.linked(name, modules)
	return r, err
}

// linked counts the functions of each module that are linked, without those that
// only set a package up.
func (l *lab) linked(name string, modules map[string]string) (map[string]int, error) {
	program := filepath.Join(l.dir, "symbols-"+name)
	if output, err := exec.CommandContext(l.ctx, "go", "build", "-o", program, "./cmd/link/"+name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	symbols, err := l.output("go", nil, "tool", "nm", program)
	if err != nil {
		return nil, err
	}
	linked := map[string]int{}
	for _, module := range modules {
		linked[module] = 0
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(symbols)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.EqualFold(fields[1], "t") {
			continue
		}
		pkg, function := splitSymbol(fields[2])
		if setsUp(function) || seen[pkg+"."+function] {
			continue
		}
		seen[pkg+"."+function] = true
		if module, ok := modules[pkg]; ok {
			linked[module]++
		}
	}
	return linked, nil
}

func setsUp(function string) bool {
	return function == "" || function == "init" || strings.HasPrefix(function, "init.") || strings.HasPrefix(function, "map.init")
}

// splitSymbol splits at the first dot behind the last slash. The linker writes
// the other dots of the last element as %2e.
func splitSymbol(symbol string) (pkg, function string) {
	if at := strings.IndexByte(symbol, '['); at >= 0 { // of a type parameter
		symbol = symbol[:at]
	}
	slash := strings.LastIndexByte(symbol, '/')
	first, function, _ := strings.Cut(symbol[slash+1:], ".")
	function, _, _ = strings.Cut(function, ".func") // a closure belongs to its function
	return symbol[:slash+1] + strings.ReplaceAll(first, "%2e", "."), function
}
