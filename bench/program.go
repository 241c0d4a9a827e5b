package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// peersFolder has a module of its own: what the peers depend on is large.
const peersFolder = "peers"

// sops is built as its users build it.
const sopsPackage = "github.com/getsops/sops/v3/cmd/sops"

// program builds a command of this module, and returns where it is.
func (l *lab) program(name string) (string, error) { return l.build(".", "./cmd/"+name) }

// peer builds a command of the peers' module.
func (l *lab) peer(pkg string) (string, error) {
	if !strings.Contains(pkg, "/") {
		pkg = "./cmd/" + pkg
	}
	return l.build(peersFolder, pkg)
}

func (l *lab) build(folder, pkg string) (string, error) {
	id := folder + " " + pkg
	if path, ok := l.programs[id]; ok {
		return path, nil
	}
	path := filepath.Join(l.dir, strings.ReplaceAll(id, "/", "_"))
	linked := path + ".linked"
	cmd := exec.CommandContext(l.ctx, "go", "build", "-ldflags=-s -w", "-o", linked, pkg)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, output)
	}
	if err := install(linked, path); err != nil {
		return "", err
	}
	l.programs[id] = path
	return path, nil
}

// install copies a program, as it gets to where it is used. Linux keeps in its
// memory, page by page, what the linker has written there through a map, and
// then each start takes some per cent longer than one of a copy, or of what was
// read from the disk.
func install(linked, path string) error {
	program, err := os.ReadFile(linked)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path, program, 0o700), os.Remove(linked))
}

// started is a way whose figure is the time from the start of a program to its
// end.
func started(name, program string, env []string, args ...string) way {
	return way{name, func(ctx context.Context) (float64, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
		cmd.Stderr = os.Stderr // a file: nothing has to be copied
		start := time.Now()
		err := cmd.Run()
		took := time.Since(start)
		return float64(took), err
	}}
}

// output runs a program and returns what it prints.
func (l *lab) output(program string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(l.ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	return output, nil
}
