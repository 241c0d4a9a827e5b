package main

// A group is a table of the page.
type group struct {
	title, about string
	rows         []row
}

// A row is something that is promised, or done to prove it. figures are attributes
// of which at least one of its tests must say what they came to, so that a test
// that does nothing proves nothing.
type row struct {
	title, shown string
	tests        []string // "storage/sqlite.TestStore"; without a path of the root package
	figures      []string
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
