package main

// A group is a table of the page.
type group struct {
	title, about string
	rows         []row
}

// A row is something that is promised, or done to prove it. figures are attributes
// of which at least one of its tests must say what they came to, which is not 0, so
// that a test that does nothing proves nothing.
type row struct {
	title, shown string
	tests        []string // "storage/sqlite.TestStore"; without a path of the root package
	figures      []string
}

// said returns what the tests of a row said, numbers added up.
func (r row) said(passed map[string]Passed) map[string]string {
	var all Passed
	for _, test := range r.tests {
		for key, value := range passed[test].Figures {
			all.note(key, value)
		}
	}
	return all.Figures
}

// table holds what is proved by which tests. Each test of internal/torture is in
// it, and each that is named after an incident.
var table = []group{threats, attacks, rules, techniques, torture, sessions, incidents}

// named returns the tests of a table, each once, in its order.
func named(table []group) []string {
	var all []string
	seen := map[string]bool{}
	for _, g := range table {
		for _, r := range g.rows {
			for _, test := range r.tests {
				if !seen[test] {
					all = append(all, test)
				}
				seen[test] = true
			}
		}
	}
	return all
}
