package envload

import (
	"fmt"
	"os"
)

// refuseOptions adds a problem for each field on which an option of the tag
// would misuse a secret, or change the environment for a variable that was not
// read from there.
func (s *survey) refuseOptions(p *plan) {
	for _, f := range s.fields {
		_, secret := p.granted[f.key]
		for _, option := range []string{"expand", "file", "unset"} {
			if secret && f.has(option) {
				s.refuse(f, "the option %s of its tag may not be used on a secret", option)
			}
		}
		if secret {
			continue
		}
		if f.has("unset") && p.opts.Base != nil {
			s.refuse(f, "the option unset of its tag may not be used with Base")
		}
		if f.has("expand") {
			if name := s.reaches(f, p); name != "" {
				s.refuse(f, "the option expand of its tag would expand the secret in %s in turn", name)
			}
		}
	}
}

func (s *survey) refuse(f field, format string, args ...any) {
	s.problems = append(s.problems, f.problem(fmt.Errorf("%w: "+format, append([]any{ErrStruct}, args...)...)))
}

// reaches returns the granted variable that the library would read while it
// expands f, or nothing. It follows every text that a name may stand for: the
// variable, or if that is empty, the defaults of the fields that it fills.
func (s *survey) reaches(f field, p *plan) (found string) {
	seen := make(map[string]bool)
	var follow func(name string) string
	follow = func(name string) string {
		if seen[name] {
			return ""
		}
		seen[name] = true
		if _, secret := p.granted[name]; secret {
			found = name
			return ""
		}
		if text := s.vars[name]; text != "" {
			return os.Expand(text, follow)
		}
		for _, other := range s.fields {
			if other.key == name {
				os.Expand(other.defaultTo, follow)
			}
		}
		return ""
	}
	follow(f.key)
	return found
}
