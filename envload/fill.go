package envload

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
)

// fill gives the struct to the library. The errors of that quote values, so
// they never leave this file: of each only its type and the names of variables
// and fields are looked at.
func (s *survey) fill(target any) []Problem {
	seen := make(map[string]string)
	err := run(target, env.Options{
		Environment: s.vars,
		OnSet:       func(key string, value any, _ bool) { seen[key], _ = value.(string) },
	})
	if err == nil {
		return nil
	}
	return s.diagnose(err, seen)
}

var errPanic = errors.New("a panic")

// run calls the library. A panic in it comes from the UnmarshalText of a field;
// its text may quote the value, and is dropped.
func run(target any, opts env.Options) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return env.ParseWithOptions(target, opts)
}

// diagnose says what the error of the library is about. What it says of a value
// that does not parse is the field's own name and type, which several fields of
// nested structs may share, and after a panic it says nothing; so every field is
// tried by itself. seen holds the values that the fields got.
func (s *survey) diagnose(err error, seen map[string]string) []Problem {
	var problems []Problem
	for _, f := range s.fields {
		if err := f.probe(s.value(f, seen)); err != nil {
			problems = append(problems, f.problem(err))
		}
	}
	all, _ := err.(env.AggregateError)
	for _, e := range all.Errors {
		problems = append(problems, s.translate(e, problems)...)
	}
	if len(problems) == 0 {
		problems = []Problem{{Err: fmt.Errorf("%w: it cannot be told of which field", ErrParse)}}
	}
	return problems
}

// value returns what the library sets f from.
func (s *survey) value(f field, seen map[string]string) string {
	if f.has("expand") || f.has("file") {
		return seen[f.key]
	}
	return cmp.Or(s.vars[f.key], f.defaultTo)
}

// translate says in our words what e, one error of the library, says; nothing
// if it is among found already.
func (s *survey) translate(e error, found []Problem) []Problem {
	switch e := e.(type) {
	case env.VarIsNotSetError:
		return s.about(e.Key, "required", fmt.Errorf("%w: it is neither granted nor set", ErrMissing))
	case env.EmptyVarError:
		return s.about(e.Key, "notEmpty", fmt.Errorf("%w: it is empty", ErrMissing))
	case env.LoadFileContentError:
		return s.about(e.Key, "file", fmt.Errorf("the file that it names cannot be read: %w", cause(e.Err)))
	case env.ParseError:
		return unless(found, e.Name, e.Type, ErrParse)
	case env.NoParserError:
		return unless(found, e.Name, e.Type, errNoParser)
	default:
		return nil
	}
}

var errNoParser = fmt.Errorf("%w: its type cannot be read from a variable", ErrStruct)

// about returns err for each field of the variable key that has the option.
func (s *survey) about(key, option string, err error) []Problem {
	var problems []Problem
	for _, f := range s.fields {
		if f.key == key && f.has(option) {
			problems = append(problems, f.problem(err))
		}
	}
	return problems
}

// unless returns err for the field of that name and type, unless it was found
// to fail by itself.
func unless(found []Problem, name string, t reflect.Type, err error) []Problem {
	same := func(p Problem) bool {
		return strings.HasSuffix("."+p.Field, "."+name) && p.Type == typeName(t)
	}
	if slices.ContainsFunc(found, same) {
		return nil
	}
	return []Problem{{Field: name, Type: typeName(t), Err: err}}
}

// probe has the library fill a struct of this one field with value, from a
// variable of a name that nothing else can refer to.
func (f field) probe(value string) error {
	if value == "" {
		return nil // the library leaves such a field alone
	}
	const name, key = "Probe", "="
	tag := tagKey + `:"` + key + `"`
	for _, t := range []string{tagSeparator, tagMapSeparator} {
		tag += " " + t + ":" + strconv.Quote(f.Tag.Get(t))
	}
	probe := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: name, Type: f.Type, Tag: reflect.StructTag(tag)},
	}))
	err := run(probe.Interface(), env.Options{Environment: map[string]string{key: value}})
	if err == errPanic {
		return fmt.Errorf("%w: its UnmarshalText panics", ErrParse)
	}
	all, _ := err.(env.AggregateError)
	for _, e := range all.Errors { // those of its own fields, if it is a struct, are not asked for
		switch e := e.(type) {
		case env.ParseError:
			if e.Name == name && e.Type == f.Type {
				return f.unparsed()
			}
		case env.NoParserError:
			if e.Name == name && e.Type == f.Type {
				return errNoParser
			}
		}
	}
	return nil
}

// unparsed names the type that looks right for a secret and is not.
func (f field) unparsed() error {
	if f.Type == reflect.TypeFor[[]byte]() {
		return fmt.Errorf("%w: the library reads a []byte as a list of numbers; take secrets.Value", ErrParse)
	}
	return ErrParse
}
