package secrets

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// A Source gives an environment: a [*Session] (an app), a [*Service] (a
// platform that starts apps) or an [*Environment] itself (tests, or values that
// come from elsewhere).
type Source interface {
	Environment(ctx context.Context) (*Environment, error)
}

// A Watcher is a Source that says when its environment has changed: a
// [*Session], and for tests an [*Environment], which never does.
type Watcher interface {
	Source
	Watch(ctx context.Context) iter.Seq2[*Environment, error]
}

var (
	_ Watcher = (*Session)(nil)
	_ Watcher = (*Environment)(nil)
	_ Source  = (*Service)(nil)
	_ Source  = (*Environment)(nil)
)

// A Variable is one secret in an environment: the value, the environment
// variable it goes to, and where it comes from.
type Variable struct {
	Name    string // environment variable; empty if it has none
	Value   Value
	Secret  Name
	ID      string // of the secret
	Version uint64 // of the secret
}

// An Environment is what a service may read, as of one instant: secrets that
// were updated together are seen together, and nothing changes it afterwards;
// only what is granted while it is being read may be missing. It
// is safe for concurrent use. Names are those of the grants, in the form of a
// variable; whether one is privileged is for [CheckEnv] to say, which envload
// asks. Lookup and Secret do not allocate.
type Environment struct {
	vars     []Variable // sorted by name; those without one first
	unnamed  int        // how many those are
	byName   map[string]int
	bySecret map[Name]int
	stale    time.Time // zero if it is of the store
}

// NewEnvironment returns an environment of vars, for tests and for a [Source]
// of one's own. A variable named [NoEnv] or "" is found by its secret alone.
// Two variables whose names differ in case alone, two of one secret, a name
// that is not a variable's, and a NUL in a value give an [*Error].
func NewEnvironment(vars ...Variable) (*Environment, error) {
	env := &Environment{
		vars:     slices.Clone(vars),
		byName:   make(map[string]int, len(vars)),
		bySecret: make(map[Name]int, len(vars)),
	}
	for i := range env.vars {
		if v := &env.vars[i]; v.Name == NoEnv {
			v.Name = ""
		}
	}
	slices.SortStableFunc(env.vars, func(a, b Variable) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Secret, b.Secret))
	})
	holders := make(map[string]Name, len(vars))
	for i, v := range env.vars {
		if err := env.add(i, v, holders); err != nil {
			return nil, &Error{Op: "new environment", Secret: valid(v.Secret), Err: err}
		}
	}
	return env, nil
}

// add indexes the variable at i; holders are the upper-case names taken.
func (e *Environment) add(i int, v Variable, holders map[string]Name) error {
	if v.Secret != "" {
		if err := v.Secret.check(); err != nil {
			return err
		}
		if _, taken := e.bySecret[v.Secret]; taken {
			return ErrExists
		}
		e.bySecret[v.Secret] = i
	}
	if v.Name == "" {
		e.unnamed++
		return nil
	}
	if err := checkEnvSyntax(v.Name); err != nil {
		return err
	}
	if err := checkEnvValue(v.Name, v.Value.Reveal()); err != nil {
		return err
	}
	upper := strings.ToUpper(v.Name)
	if holder, taken := holders[upper]; taken {
		return &EnvError{Env: v.Name, Taken: holder, Rule: "it is there twice (upper and lower case count as one)"}
	}
	holders[upper] = v.Secret
	e.byName[v.Name] = i
	return nil
}

// Environment returns e itself, so that it is a [Source].
func (e *Environment) Environment(ctx context.Context) (*Environment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return e, nil
}

// StaleSince reports whether the environment is of a cache, since the store could
// not be reached, and when that was read from the store. See [ConnectCached].
func (e *Environment) StaleSince() (time.Time, bool) { return e.stale, !e.stale.IsZero() }

// Equal reports whether both environments hold the same variables: names,
// values, secrets, ids and versions. The time that it takes depends on no value.
func (e *Environment) Equal(other *Environment) bool {
	if e == nil || other == nil {
		return e == other
	}
	return slices.EqualFunc(e.vars, other.vars, func(a, b Variable) bool {
		return a.Name == b.Name && a.Secret == b.Secret && a.ID == b.ID && a.Version == b.Version && a.Value.Equal(b.Value)
	})
}

// Watch yields e itself once and then waits for the end of ctx: for tests.
func (e *Environment) Watch(ctx context.Context) iter.Seq2[*Environment, error] {
	return func(yield func(*Environment, error) bool) {
		if ctx.Err() == nil && yield(e, nil) {
			<-ctx.Done()
		}
	}
}

// Lookup returns the value of an environment variable. Case counts.
func (e *Environment) Lookup(env string) (Value, bool) {
	i, ok := e.byName[env]
	if !ok {
		return Value{}, false
	}
	return e.vars[i].Value, true
}

// Secret returns the value of a secret, also of one that was granted with
// [NoEnv].
func (e *Environment) Secret(name Name) (Value, bool) {
	i, ok := e.bySecret[name]
	if !ok {
		return Value{}, false
	}
	return e.vars[i].Value, true
}

// All yields the variables sorted by name; secrets granted with [NoEnv] are
// not among them.
func (e *Environment) All() iter.Seq[Variable] { return slices.Values(e.vars[e.unnamed:]) }

// Len returns how many variables All yields.
func (e *Environment) Len() int { return len(e.vars) - e.unnamed }

// valid returns name if it may be printed, and nothing otherwise.
func valid(name Name) Name {
	if name.check() != nil {
		return ""
	}
	return name
}
