package envload

import (
	"context"

	"github.com/seed-9f6dc42a/secrets"
)

// Environ returns the environment for a child process, for the Env field of
// [os/exec.Cmd]: opts.Base and what src grants, and nothing else. In
// particular it is not nil if both are empty, since the child of a Cmd with a
// nil Env inherits everything, the token of the parent included. A child that
// needs some variables of the parent, such as PATH and HOME, gets them by Base.
//
// The variables of Base come first, in their order, then the granted ones,
// sorted; no name comes twice. The same limits as of [Load] hold for their
// sizes, so that the child can be started. The strings carry values: do not
// log them.
func Environ(ctx context.Context, src secrets.Source, opts *Options) ([]string, error) {
	o := opts.orZero()
	base, problems := parseBase(o.Base)
	p, err := newPlan(ctx, src, base, o)
	if err != nil {
		return nil, err
	}
	p.fail(problems...)
	p.checkFits()
	if err := p.err(); err != nil {
		return nil, err
	}
	result := p.result()
	environ := make([]string, len(result))
	for i, e := range result {
		environ[i] = e.name + "=" + e.value
	}
	return environ, nil
}
