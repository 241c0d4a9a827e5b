package envload

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// On Windows the case of a variable's name does not count, its value is UTF-16,
// and there are names that begin with an equals sign ("=C:").
const environmentIsText = runtime.GOOS == "windows"

// fold returns what two spellings of one variable have in common.
func fold(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

// parseBase reads variables in the form KEY=VALUE. The last one of a name
// counts. A problem tells the index only: what has not the right form may be a
// value that was put in the wrong place.
func parseBase(base []string) ([]entry, []Problem) {
	var problems []Problem
	entries := make([]entry, 0, len(base))
	last := make(map[string]int, len(base))
	for i, s := range base {
		e, err := parseEntry(s)
		if err != nil {
			problems = append(problems, Problem{Err: fmt.Errorf("entry %d of Base: %w", i, err)})
			continue
		}
		if e.stringSize() > maxString {
			problems = append(problems, Problem{Err: fmt.Errorf("entry %d of Base: %w: it may have %d bytes", i, ErrTooLarge, maxString-1)})
		}
		entries = append(entries, e)
		last[fold(e.name)] = len(entries) - 1
	}
	unique := entries[:0]
	for i, e := range entries {
		if last[fold(e.name)] == i {
			unique = append(unique, e)
		}
	}
	return unique, problems
}

func parseEntry(s string) (entry, error) {
	start := 0
	if runtime.GOOS == "windows" && strings.HasPrefix(s, "=") {
		start = 1
	}
	equals := strings.IndexByte(s[start:], '=')
	if equals < 1 {
		return entry{}, fmt.Errorf("%w: it is not of the form KEY=VALUE", ErrOptions)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return entry{}, fmt.Errorf("%w: it holds a NUL byte", ErrOptions)
	}
	return entry{s[:start+equals], s[start+equals+1:]}, nil
}

// processEntries returns the environment of the process. Strings in it that
// are not of the form KEY=VALUE are nothing that a program could read.
func processEntries() []entry {
	entries, _ := parseBase(os.Environ())
	return entries
}
