package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// links are the programs of cmd/link, the smallest first.
var links = []string{"memory", "sqlite", "postgres", "etcd", "fromenv"}

// A linkResult is what a program takes that links one driver.
type linkResult struct {
	Name     string
	Bytes    int64
	Packages int      // compiled for it
	Foreign  int      // of those, neither of the standard library nor ours
	Single   []string // foreign ones of which a single function is linked
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
	r.Usage, err = usage()
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
	list, err := l.output("go", nil, "list", "-deps", "-f", "{{.Standard}} {{.ImportPath}}", "./cmd/link/"+name)
	if err != nil {
		return r, err
	}
	var foreign []string
	for line := range strings.Lines(string(list)) {
		standard, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.Packages++
		if standard == "false" && path != ourPath && !strings.HasPrefix(path, ourPath+"/") {
			foreign = append(foreign, path)
		}
	}
	r.Foreign = len(foreign)
	r.Single, err = l.single(name, foreign)
	return r, err
}

// single returns the packages of which one function is linked, beside those that
// only set a package up.
func (l *lab) single(name string, packages []string) (single []string, err error) {
	program := l.dir + "/symbols-" + name
	if output, err := exec.CommandContext(l.ctx, "go", "build", "-o", program, "./cmd/link/"+name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	symbols, err := l.output("go", nil, "tool", "nm", program)
	if err != nil {
		return nil, err
	}
	functions := map[string]map[string]bool{}
	for line := range strings.Lines(string(symbols)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.EqualFold(fields[1], "t") {
			continue
		}
		pkg, function := splitSymbol(fields[2])
		if function == "" || function == "init" || strings.HasPrefix(function, "init.") || strings.HasPrefix(function, "map.init") {
			continue
		}
		if functions[pkg] == nil {
			functions[pkg] = map[string]bool{}
		}
		functions[pkg][function] = true
	}
	for _, pkg := range packages {
		if len(functions[pkg]) == 1 {
			for function := range functions[pkg] {
				single = append(single, pkg+"."+function)
			}
		}
	}
	slices.Sort(single)
	return single, nil
}

// splitSymbol splits at the first dot behind the last slash; the linker writes a
// dot of the last element as %2e.
func splitSymbol(symbol string) (pkg, function string) {
	if at := strings.IndexByte(symbol, '['); at >= 0 { // of a type parameter
		symbol = symbol[:at]
	}
	slash := strings.LastIndexByte(symbol, '/')
	dot := strings.IndexByte(symbol[slash+1:], '.')
	if dot < 0 {
		return symbol, ""
	}
	dot += slash + 1
	function, _, _ = strings.Cut(symbol[dot+1:], ".func") // a closure belongs to its function
	return strings.ReplaceAll(symbol[:dot], "%2e", "."), function
}
