package main

import (
	"fmt"
	"strings"
)

// shares says how much of our way the named ways take by themselves, and what
// is left.
func shares(names ...string) func(*studyResult) string {
	return func(s *studyResult) string {
		ours := median(s.Ways[0].Rounds)
		rest, parts := 1.0, []string{}
		for _, name := range names {
			share := ratio(s.figure(name), ours)
			if s.Unit == perSecond { // the faster, the smaller a part
				share = ratio(ours, s.figure(name))
			}
			rest -= share
			parts = append(parts, fmt.Sprintf("%s %.0f %%", name, 100*share))
		}
		return strings.Join(append(parts, fmt.Sprintf("the rest %.0f %%", 100*max(rest, 0))), ", ")
	}
}
