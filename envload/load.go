package envload

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-9f6dc42a/secrets"
)

// Load sets what src grants in the environment of the process, for [os.Getenv]
// and for every child process that inherits it, and reports for each variable
// what it did. It does all or nothing: names, sizes, Required and the rule for
// existing variables are checked before the first [os.Setenv], and if one of
// those fails, the earlier ones are undone.
//
// One variable may have 128 KiB less one byte, name included, and the whole
// environment 1 MiB: with more, Linux would start no program from here.
//
// Call it once, at the start of main, before other goroutines run. Setenv is
// not safe beside C code that calls getenv, which the resolver of host names
// does in programs that use cgo (golang/go#63567). Values that must not reach
// child processes are for [Parse]. The variables are never unset again, also
// not when a grant is revoked.
func Load(ctx context.Context, src secrets.Source, opts *Options) (*Report, error) {
	return load(ctx, src, opts.orZero(), os.Setenv)
}

func load(ctx context.Context, src secrets.Source, opts Options, setenv setter) (*Report, error) {
	p, err := newPlan(ctx, src, processEntries(), opts)
	if err != nil {
		return nil, err
	}
	if opts.Base != nil {
		p.fail(Problem{Err: fmt.Errorf("%w: Base is for Parse and Environ", ErrOptions)})
	}
	if len(p.granted) > 0 {
		p.checkFits()
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	if err := p.apply(setenv); err != nil {
		return nil, err
	}
	return newReport(p.grants), nil
}

type setter func(name, value string) error

// apply sets the variables, all or none.
func (p *plan) apply(setenv setter) error {
	for i, g := range p.grants {
		if g.action == Kept {
			continue
		}
		if err := setenv(g.Name, g.Value.Reveal()); err != nil {
			p.fail(g.problem(fmt.Errorf("cannot be set: %w", cause(err))))
			p.undo(p.grants[:i])
			return p.err()
		}
	}
	return nil
}

// undo puts back what was there before grants were set.
func (p *plan) undo(grants []grant) {
	for _, g := range grants {
		var err error
		switch g.action {
		case Set:
			err = os.Unsetenv(g.Name)
		case Overwritten:
			err = os.Setenv(g.Name, p.existing[fold(g.Name)].value)
		}
		if err != nil {
			p.fail(g.problem(fmt.Errorf("set, and cannot be put back: %w", cause(err))))
		}
	}
}
