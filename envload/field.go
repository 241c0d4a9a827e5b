package envload

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A field is one place in a struct that the library fills from a variable.
type field struct {
	reflect.StructField
	path      string // from the top of the struct
	key       string // the variable
	options   []string
	defaultTo string
}

// The library's tags, and the options it knows.
const (
	tagKey          = "env"
	tagPrefix       = "envPrefix"
	tagDefault      = "envDefault"
	tagSeparator    = "envSeparator"
	tagMapSeparator = "envKeyValSeparator"
)

var knownOptions = []string{"", "-", "expand", "file", "init", "notEmpty", "required", "unset"}

// A survey finds the fields of a struct as the library will, following
// doParseField of its env.go. It goes by types alone: where the library goes by
// the values that it has set so far, the survey takes in more, or refuses the
// type, so that no field is overlooked.
type survey struct {
	vars     map[string]string
	fields   []field
	problems []Problem
	selfMade int // types around the field that have an UnmarshalText
}

// surveyOf returns the fields of t; the keys of vars say how long slices of
// structs are. The problems are those for which t must not be given to the
// library at all.
func surveyOf(t reflect.Type, vars map[string]string) *survey {
	s := &survey{vars: vars}
	if t.Kind() != reflect.Struct {
		s.problems = []Problem{{Type: typeName(t), Err: fmt.Errorf("%w: Parse takes a struct", ErrStruct)}}
		return s
	}
	if t.NumField() > 0 && !tagged(t, map[reflect.Type]bool{}) {
		s.problems = []Problem{{Type: typeName(t), Err: fmt.Errorf("%w: no field of it has an env tag", ErrStruct)}}
		return s
	}
	s.structure(t, "", "", nil)
	return s
}

// tagged reports whether t holds a field with an env tag. It does not look into
// a type that was seen.
func tagged(t reflect.Type, seen map[reflect.Type]bool) bool {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}, t.Kind()) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return false
	}
	seen[t] = true
	for sf := range t.Fields() {
		_, ok := sf.Tag.Lookup(tagKey)
		if ok && !ignored(sf) || tagged(sf.Type, seen) {
			return true
		}
	}
	return false
}

// structure visits the fields of t. outer are the structs around it that are
// made without condition: one that came again would never end.
func (s *survey) structure(t reflect.Type, path, prefix string, outer []reflect.Type) {
	if slices.Contains(outer, t) {
		s.problems = append(s.problems, Problem{Field: path, Type: typeName(t),
			Err: fmt.Errorf("%w: it holds itself by the option init of its tag", ErrStruct)})
		return
	}
	outer = append(slices.Clip(outer), t)
	for sf := range t.Fields() {
		inner := strings.TrimPrefix(path+"."+sf.Name, ".")
		switch {
		case sf.IsExported():
			s.visit(sf, inner, prefix, outer)
		case isMeant(sf):
			s.problems = append(s.problems, Problem{Field: inner, Type: typeName(sf.Type), Err: errUnexported})
		}
	}
}

var errUnexported = fmt.Errorf(`%w: it is not exported, so that nothing can set it; export it, or tag it env:"-"`, ErrStruct)

// isMeant reports whether somebody who did not export the field, and whom the
// library would not tell, expects it to be filled all the same.
func isMeant(sf reflect.StructField) bool {
	if ignored(sf) {
		return false
	}
	_, hasKey := sf.Tag.Lookup(tagKey)
	_, hasPrefix := sf.Tag.Lookup(tagPrefix)
	return hasKey || hasPrefix || sf.Type.Kind() == reflect.Struct && tagged(sf.Type, map[reflect.Type]bool{})
}

// ignored reports whether the tag says that the field is to be left alone.
func ignored(sf reflect.StructField) bool {
	f := newField(sf, "", "")
	return f.key == "-" || f.has("-")
}

func (s *survey) visit(sf reflect.StructField, path, prefix string, outer []reflect.Type) {
	t := sf.Type
	inner := prefix + sf.Tag.Get(tagPrefix)
	if t.Kind() == reflect.Struct && t.Name() == "" {
		s.structure(t, path, inner, outer)
		return
	}
	if err := s.check(sf); err != nil {
		s.problems = append(s.problems, Problem{Field: path, Type: typeName(t), Err: err})
		return
	}
	if ignored(sf) {
		return
	}
	f := newField(sf, path, prefix)
	s.add(f)
	defer s.enter(t)()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		if t.Kind() == reflect.Struct && f.has("init") {
			s.structure(t, path, inner, outer)
		}
	} else if t.Kind() == reflect.Struct {
		s.structure(t, path, inner, outer)
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		s.elements(t.Elem(), path, inner)
	}
}

// check returns an error if there are fields with an env tag in a place of sf
// where the library would not look, or where only the values tell whether it does.
func (s *survey) check(sf reflect.StructField) error {
	f := newField(sf, "", "")
	switch {
	case !tagged(sf.Type, map[reflect.Type]bool{}):
		return nil
	case s.selfMade > 0 && sf.Type.Kind() == reflect.Pointer && !f.has("init"): // also one that is ignored
		return errSelfMade
	case f.key == "" && !ignored(sf) && !followed(sf.Type):
		return errUnfollowed
	default:
		return nil
	}
}

var (
	errSelfMade   = fmt.Errorf("%w: the UnmarshalText of a type around it may make it, fields with an env tag included; hold the struct itself", ErrStruct)
	errUnfollowed = fmt.Errorf("%w: nothing fills the fields with an env tag in it; use a slice of structs, or one pointer to a struct", ErrStruct)
)

// followed reports whether the library looks for fields in a t.
func followed(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// enter notes that what is visited until leave is in a t.
func (s *survey) enter(t reflect.Type) (leave func()) {
	if !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return func() {}
	}
	s.selfMade++
	return func() { s.selfMade-- }
}

func newField(sf reflect.StructField, path, prefix string) field {
	tag := strings.Split(sf.Tag.Get(tagKey), ",")
	return field{
		StructField: sf,
		path:        path,
		key:         prefix + tag[0],
		options:     tag[1:],
		defaultTo:   sf.Tag.Get(tagDefault),
	}
}

func (f field) has(option string) bool { return slices.Contains(f.options, option) }

func (s *survey) add(f field) {
	for _, option := range f.options {
		if !slices.Contains(knownOptions, option) {
			s.problems = append(s.problems, f.problem(fmt.Errorf("%w: its tag has the unknown option %q", ErrStruct, option)))
		}
	}
	s.fields = append(s.fields, f)
}

// elements visits the elements of a slice of structs: PREFIX_0_…, PREFIX_1_….
// Structs may hold slices of themselves, since each step needs a longer variable.
func (s *survey) elements(t reflect.Type, path, prefix string) {
	if prefix != "" && !strings.HasSuffix(prefix, "_") {
		prefix += "_"
	}
	defer s.enter(t)()
	for _, i := range s.indices(prefix) {
		s.structure(t, fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%s%d_", prefix, i), nil)
	}
}

// indices returns the numbers that follow prefix in the variables.
func (s *survey) indices(prefix string) []int {
	var indices []int
	for name := range s.vars {
		rest, ok := strings.CutPrefix(name, prefix)
		digits, _, more := strings.Cut(rest, "_")
		if !ok || !more {
			continue
		}
		if i, err := strconv.Atoi(digits); err == nil {
			indices = append(indices, i)
		}
	}
	slices.Sort(indices)
	return slices.Compact(indices)
}

func (f field) problem(err error) Problem {
	return Problem{Env: f.key, Field: f.path, Type: typeName(f.Type), Err: err}
}

// typeName returns how t is written, but without the tags of structs in it,
// which alone are in quotes there: a default may be what nobody should see.
func typeName(t reflect.Type) string {
	tag := regexp.MustCompile(` "(?:[^"\\]|\\.)*"`) // here, since most programs never need it
	return tag.ReplaceAllString(t.String(), "")
}
