package torture_test

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/seed-9f6dc42a/secrets"
)

// keptVersions is Options.Versions of every client.
const keptVersions = 3

// A kind is what an operation does.
type kind string

const (
	create   kind = "create"
	set      kind = "set"
	change   kind = "change" // a set of every secret, in one commit
	update   kind = "update"
	rollback kind = "rollback"
	remove   kind = "delete"
	grant    kind = "grant"
	revoke   kind = "revoke"
	read     kind = "read"     // by the service, of an environment
	reveal   kind = "reveal"   // by the administrator
	describe kind = "describe" // its version, by the administrator
	maintain kind = "maintain" // of which nobody sees anything
)

// An input is what one operation on one secret was asked for.
type input struct {
	kind    kind
	secret  secrets.Name
	value   string
	version uint64 // to roll back to; the condition of an update, 0 for none
	force   bool   // of a deletion: although it is granted
	rival   bool   // of a deletion: another one was under way at the same time
}

func (in input) String() string {
	s := fmt.Sprintf("%s %s", in.kind, in.secret)
	if in.value != "" {
		s += " = " + in.value
	}
	if in.version != 0 {
		s += fmt.Sprintf(" (version %d)", in.version)
	}
	if in.force {
		s += " (revoke)"
	}
	return s
}

// declarative reports whether an operation says what is to be. It is repeated
// when the outcome of its commit was lost, and then has its effect a second time
// if others have undone the first meanwhile.
func (in input) declarative() bool { return in.kind == grant || in.kind == revoke }

// An answer is what became of it, as far as the caller knows.
type answer string

const (
	done     answer = "done"
	notFound answer = "not found"
	exists   answer = "exists"
	inUse    answer = "in use"
	conflict answer = "conflict"
	unknown  answer = "unknown" // it may happen at any time from its call on, or never
	nothing  answer = "failed"  // and certainly changed nothing
	twice    answer = "twice"   // the effect that a declarative operation may have had before the one it returned for
)

type output struct {
	answer  answer
	version uint64
	value   string // "" is absent
}

func (out output) String() string {
	s := string(out.answer)
	if out.version != 0 {
		s += fmt.Sprintf(", version %d", out.version)
	}
	if out.value != "" {
		s += ", " + out.value
	}
	return s
}

// A state is all that there is to know of one secret.
type state struct {
	live, granted bool
	crowd         bool                 // granted to many other services too
	version       uint64               // goes on counting after a deletion
	values        [keptVersions]string // the current one first
}

// model is the specification of one secret and one service.
func model(begin state) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) { return s.(state).step(in.(input), out.(output)) },
		DescribeOperation: func(in, out any) string {
			return fmt.Sprintf("%v -> %v", in, out)
		},
		DescribeState: func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

// step reports whether in may give out, and what the secret is afterwards.
func (s state) step(in input, out output) (bool, state) {
	next, want := s.apply(in)
	switch {
	case out.answer == unknown, out.answer == twice:
		return true, next
	case out.answer == nothing:
		return true, s
	case out.answer == done && want.answer == notFound && in.rival:
		return true, s // the other one has deleted what this one was called for
	}
	return out == want, next
}

// apply returns what an operation makes of the secret, and its answer.
func (s state) apply(in input) (state, output) {
	switch in.kind {
	case read:
		if !s.granted {
			return s, output{answer: done}
		}
		return s, output{done, s.version, s.values[0]}
	case create:
		if s.live {
			return s, output{answer: exists}
		}
		return s.put(in.value)
	case set:
		if s.live && s.values[0] == in.value {
			return s, output{answer: done, version: s.version}
		}
		return s.put(in.value)
	case change:
		next, out := s.apply(input{kind: set, value: in.value})
		return next, output{answer: out.answer} // it gives no version
	}
	if !s.live {
		return s, output{answer: notFound}
	}
	return s.applyLive(in)
}

// applyLive is apply for what needs a secret that exists.
func (s state) applyLive(in input) (state, output) {
	switch in.kind {
	case reveal:
		return s, output{answer: done, value: s.values[0]}
	case describe:
		return s, output{answer: done, version: s.version}
	case update:
		if in.version != 0 && in.version != s.version {
			return s, output{answer: conflict}
		}
		return s.put(in.value)
	case rollback:
		return s.rollback(in.version)
	case grant, revoke:
		s.granted = in.kind == grant
		return s, output{answer: done}
	case remove:
		if (s.granted || s.crowd) && !in.force {
			return s, output{answer: inUse}
		}
		return state{version: s.version}, output{answer: done}
	}
	panic("no such kind: " + in.kind)
}

func (s state) put(value string) (state, output) {
	s.live = true
	s.version++
	copy(s.values[1:], s.values[:])
	s.values[0] = value
	return s, output{answer: done, version: s.version}
}

func (s state) rollback(version uint64) (state, output) {
	age := s.version - version
	switch {
	case age == 0:
		return s, output{answer: done, version: s.version}
	case version > s.version, age >= keptVersions, s.values[age] == "":
		return s, output{answer: notFound}
	}
	return s.put(s.values[age])
}
