package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
)

// A lab is what the studies share. What takes long to make is made when a study
// first asks for it.
type lab struct {
	config
	ctx      context.Context
	dir      string // removed at the end
	closers  []func()
	programs map[string]string
	servers  servers
	crowds   map[int]*crowd
}

func newLab(ctx context.Context, c config) (*lab, error) {
	dir, err := os.MkdirTemp("", "secrets-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{config: c, ctx: ctx, dir: dir, programs: map[string]string{}, crowds: map[int]*crowd{}}
	l.onClose(func() { _ = os.RemoveAll(dir) })
	return l, nil
}

// onClose has fn called at the end, before what was there before it is closed.
func (l *lab) onClose(fn func()) { l.closers = append(l.closers, fn) }

func (l *lab) close() {
	for _, fn := range slices.Backward(l.closers) {
		fn()
	}
}

// folder makes a folder of its own.
func (l *lab) folder(name string) (string, error) { return os.MkdirTemp(l.dir, name+"-") }

// root is where the repository is: the command runs in the folder bench.
func root() string { return filepath.Join("..") }
