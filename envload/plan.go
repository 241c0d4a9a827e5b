package envload

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-9f6dc42a/secrets"
)

// A plan is what an environment is to become, worked out and checked before
// anything is done.
type plan struct {
	opts     Options
	base     []entry          // what exists, each name once
	existing map[string]entry // the same by folded name
	grants   []grant          // sorted by name
	granted  map[string]grant // those that are not kept, by name
	problems []Problem
}

// An entry is one variable.
type entry struct{ name, value string }

// A grant is a variable of the source, and what becomes of it.
type grant struct {
	secrets.Variable
	action Action
}

// newPlan reads the source. Its error says that there is no environment to be
// had; what is wrong with the variables goes to the problems.
func newPlan(ctx context.Context, src secrets.Source, base []entry, opts Options) (*plan, error) {
	env, err := environmentOf(ctx, src)
	if err != nil {
		return nil, err
	}
	p := &plan{
		opts:     opts,
		base:     base,
		existing: make(map[string]entry, len(base)),
		grants:   make([]grant, 0, env.Len()),
		granted:  make(map[string]grant, env.Len()),
		problems: opts.check(),
	}
	for _, e := range base {
		p.existing[fold(e.name)] = e
	}
	for v := range env.All() {
		p.add(v)
	}
	p.checkRequired()
	return p, nil
}

func (p *plan) fail(problems ...Problem) { p.problems = append(p.problems, problems...) }

func (p *plan) err() error { return newError(p.problems) }

// add applies the rules for names and for existing variables to v.
func (p *plan) add(v secrets.Variable) {
	g := grant{Variable: v, action: Set}
	if err := secrets.CheckEnv(v.Name, p.opts.Allow...); err != nil {
		p.fail(g.problem(err))
	}
	if _, exists := p.existing[fold(v.Name)]; exists {
		switch p.opts.Existing {
		case Overwrite:
			g.action = Overwritten
		case Fail:
			p.fail(g.problem(ErrExisting))
		default:
			g.action = Kept
		}
	}
	p.grants = append(p.grants, g)
	if g.action != Kept {
		p.granted[v.Name] = g
	}
}

func (g grant) problem(err error) Problem {
	return Problem{Env: g.Name, Secret: g.Secret, Err: err}
}

// checkRequired reports the required variables that would not be there.
func (p *plan) checkRequired() {
	if len(p.opts.Required) == 0 {
		return
	}
	values := make(map[string]string, len(p.base)+len(p.grants))
	for _, e := range p.result() {
		values[fold(e.name)] = e.value
	}
	for i, name := range p.opts.Required {
		if secrets.CheckEnv(name, name) != nil { // not repeated: it may be anything
			p.fail(Problem{Err: fmt.Errorf("%w: Required[%d] is not the name of a variable", ErrOptions, i)})
			continue
		}
		switch value, found := values[fold(name)]; {
		case !found:
			p.fail(Problem{Env: name, Err: fmt.Errorf("%w: it is required, but neither granted nor set", ErrMissing)})
		case value == "" && p.keeps(name):
			p.fail(Problem{Env: name, Err: fmt.Errorf("%w: it is required, but exists and is empty, which wins over the secret (see Options.Existing)", ErrMissing)})
		case value == "":
			p.fail(Problem{Env: name, Err: fmt.Errorf("%w: it is required, but empty", ErrMissing)})
		}
	}
}

// keeps reports whether a variable is left as it is although it is granted.
func (p *plan) keeps(name string) bool {
	return slices.ContainsFunc(p.grants, func(g grant) bool {
		return fold(g.Name) == fold(name) && g.action == Kept
	})
}

// result returns the environment as planned: what exists and is not replaced,
// in its order, then what is granted, sorted. No name is there twice.
func (p *plan) result() []entry {
	replaced := make(map[string]bool, len(p.granted))
	for name := range p.granted {
		replaced[fold(name)] = true
	}
	result := make([]entry, 0, len(p.base)+len(p.granted))
	for _, e := range p.base {
		if !replaced[fold(e.name)] {
			result = append(result, e)
		}
	}
	for _, g := range p.grants {
		if g.action != Kept {
			result = append(result, entry{g.Name, g.Value.Reveal()})
		}
	}
	return result
}
