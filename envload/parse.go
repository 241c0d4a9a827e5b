package envload

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/seed-9f6dc42a/secrets"
)

// Parse returns a T whose fields are filled from what src grants and, for the
// variables that src does not grant, from the environment of the process or
// from opts.Base. T is a struct with the tags of
// [github.com/caarlos0/env/v11]:
//
//	type Config struct {
//		Database secrets.Value `env:"DATABASE_URL,required,notEmpty"`
//		Port     int           `env:"PORT" envDefault:"8080"`
//		Mail     struct {
//			Key string `env:"KEY"`
//		} `envPrefix:"MAIL_"`
//	}
//
// As that library has it, required asks for a variable that is set, or for a
// default, and notEmpty for a value in the end. An empty variable outside is
// kept in place of the secret, and required alone takes it: write
// required,notEmpty, or name the variable in opts.Required, which asks for both.
// With envDefault an empty variable becomes the default.
//
// T must have a field with an env tag, and a field that has one, or is a struct
// with some, must be exported, and not be in an array, a map or a slice of
// pointers: the library would leave it empty without a word. The tag env:"-" says
// that this is meant. Otherwise the error is [ErrStruct]. A pointer to a struct
// stays nil unless its tag has the option init; in a type with an UnmarshalText,
// which could make one, it must have it.
//
// A field of type [secrets.Value] is the safest one: it never prints itself.
// Take it, or string, for binary values: that library reads a []byte, like any
// slice, as a list with commas, here of numbers (or see its envSeparator).
//
// The environment of the process is not changed, so child processes inherit
// nothing, and Parse may be called at any time. The one exception is the tag
// option unset on a field that no secret fills: it unsets that variable, also
// if Parse fails. With opts.Base it is refused.
//
// On a field that a secret fills, three tag options are refused with an error
// that is [ErrStruct]: expand, since it turns pa$$word$HOME into paword/root;
// file, since it takes a secret for the path of a file to open; and unset, since
// there is nothing to unset. The option expand is also refused elsewhere, in
// defaults as well, if it would expand a reference to a secret, for the secret
// would be expanded in turn: put such strings together in Go.
//
// Errors name the field, the variable and the type, never the value; a panic in
// an UnmarshalText is reported as an error in the same way. If there is an
// error, the T is zero, and the UnmarshalText of some fields may have been
// called twice to find out which failed.
func Parse[T any](ctx context.Context, src secrets.Source, opts *Options) (T, error) {
	var config, zero T
	if err := parse(ctx, src, opts.orZero(), &config); err != nil {
		return zero, err
	}
	return config, nil
}

// parse fills the struct that target points to.
func parse(ctx context.Context, src secrets.Source, opts Options, target any) error {
	base, problems := processEntries(), []Problem(nil)
	if opts.Base != nil {
		base, problems = parseBase(opts.Base)
	}
	p, err := newPlan(ctx, src, base, opts)
	if err != nil {
		return err
	}
	p.fail(problems...)
	vars := p.vars()
	s := surveyOf(reflect.TypeOf(target).Elem(), vars)
	s.refuseOptions(p)
	for _, problem := range s.problems {
		p.fail(p.attribute(problem))
	}
	if len(s.problems) == 0 {
		for _, problem := range s.fill(target) {
			p.fail(p.attribute(problem))
		}
	}
	return p.err()
}

// vars returns the environment as planned, in the form that the library takes.
// It is never nil: for that, the library would take the process's own.
func (p *plan) vars() map[string]string {
	vars := make(map[string]string, len(p.base)+len(p.grants))
	for _, e := range p.result() {
		vars[e.name] = e.value
	}
	return vars
}

// attribute adds the secret that the variable of problem came from, or why it did
// not.
func (p *plan) attribute(problem Problem) Problem {
	problem.Secret = p.granted[problem.Env].Secret
	ofValue := errors.Is(problem.Err, ErrMissing) || errors.Is(problem.Err, ErrParse)
	if ofValue && p.keeps(problem.Env) {
		problem.Err = fmt.Errorf("%w; the variable existed already, which wins over the secret (see Options.Existing)", problem.Err)
	}
	return problem
}
