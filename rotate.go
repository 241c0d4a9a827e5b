package secrets

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// RotateOptions are the optional parts of a rotation.
type RotateOptions struct {
	// Progress is told how far the call has come, on the goroutine of the
	// call: so many of the records, or of the organizations, of which there
	// were total at its beginning. Done only grows, and reaches total when the
	// call is about to return nil. Nil saves the counting, which reads
	// everything once.
	Progress func(done, total int)
}

// progress reports to a function how far a call has come.
type progress struct {
	report      func(done, total int) // nil: nobody asks
	done, total int
}

func (opts *RotateOptions) progress() *progress {
	if opts == nil {
		return &progress{}
	}
	return &progress{report: opts.Progress}
}

// begin says of how much progress is reported.
func (p *progress) begin(total int) {
	p.total = total
	if p.report != nil {
		p.report(0, total)
	}
}

// add says that n more are done. There may be more than there were at the
// beginning, and they are looked at again: the last one is done when all is.
func (p *progress) add(n int) { p.reach(min(p.done+n, p.total-1)) }

func (p *progress) end() { p.reach(p.total) }

func (p *progress) reach(done int) {
	if done <= p.done {
		return
	}
	p.done = done
	if p.report != nil {
		p.report(done, p.total)
	}
}

// maxPasses bounds how often a rotation goes through everything. Each pass but
// the last finds what somebody has put back, or goes on making, as it was.
const maxPasses = 10

// skipped counts the things that a call went past for one reason, and names
// the first of them.
type skipped struct {
	reason error
	names  []string
	n      int
}

// maxSkipped is how many are named.
const maxSkipped = 10

func (s *skipped) add(names ...string) {
	s.n += len(names)
	s.names = append(s.names, names[:min(len(names), maxSkipped-len(s.names))]...)
}

// err returns the reason, with the names, if there are any.
func (s *skipped) err() error {
	if s.n == 0 {
		return nil
	}
	names := strings.Join(s.names, ", ")
	if more := s.n - len(s.names); more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("%s: %w", names, s.reason)
}

// skips are what a call that goes on past damage went past.
type skips struct{ wrong, tampered skipped }

// past notes an error that is about one thing alone, and returns any other.
func (s *skips) past(what string, err error) error {
	switch {
	case errors.Is(err, ErrWrongRoot):
		s.wrong.add(what)
	case errors.Is(err, ErrTampered):
		s.tampered.add(what)
	default:
		return err
	}
	return nil
}

// err names what was skipped, in one line.
func (s *skips) err() error {
	s.wrong.reason, s.tampered.reason = ErrWrongRoot, ErrTampered
	a, b := s.wrong.err(), s.tampered.err()
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return fmt.Errorf("%w; %w", a, b)
}

// inBatches does something for all items, size of them at a time: fewer where
// they exceed what fits a batch, or meet others who write.
func inBatches[T any](items []T, size int, do func([]T) error) error {
	begun := false // something was, or may have been, written
	for most := size; len(items) > 0; {
		n := min(size, len(items))
		err := do(items[:n])
		var again *attemptError
		switch {
		case err == nil:
			items, size = items[n:], min(2*size, most)
		case n > 1 && (errors.Is(err, ErrLimit) || errors.As(err, &again) && err != errAgain):
			size = (n + 1) / 2
		default:
			return unsettled(begun, err)
		}
		begun = true
	}
	return nil
}
