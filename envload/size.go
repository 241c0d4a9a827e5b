package envload

import (
	"fmt"
	"unicode/utf8"
)

// What Linux takes when a program is started, from execve(2). A string of the
// environment has at most 32 pages of 4 KiB with its final NUL (MAX_ARG_STRLEN).
// All strings and the pointers to them, arguments included, have a quarter of
// the stack limit, 2 MiB by default; half of that is left to the arguments and
// to what other programs on the way add. With one byte more than the first, or too
// far above the second, this process can start no program any more (E2BIG).
const (
	maxString      = 128 << 10
	maxEnvironment = 1 << 20
)

// stringSize returns what NAME=VALUE occupies.
func (e entry) stringSize() int { return len(e.name) + len("=") + len(e.value) + len("\x00") }

// checkFits reports what the environment of a process could not hold.
func (p *plan) checkFits() {
	const pointer = 8
	for _, g := range p.granted {
		e := entry{g.Name, g.Value.Reveal()}
		if e.stringSize() > maxString {
			p.fail(g.problem(fmt.Errorf("%w: a variable may have %d bytes with its name", ErrTooLarge, maxString-1)))
		}
		if environmentIsText && !utf8.ValidString(e.value) {
			p.fail(g.problem(fmt.Errorf("%w: on this system a variable must be UTF-8", ErrParse)))
		}
	}
	total := 0
	for _, e := range p.result() {
		total += e.stringSize() + pointer
	}
	if total > maxEnvironment {
		p.fail(Problem{Err: fmt.Errorf("%w: it would have %d bytes in all, and may have %d", ErrTooLarge, total, maxEnvironment)})
	}
}
