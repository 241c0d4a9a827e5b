package envload

import (
	"fmt"
	"strings"

	"github.com/seed-9f6dc42a/secrets"
)

// A Report says what [Load] did with each variable, sorted by name. It carries
// no value and may be logged.
type Report struct{ Variables []Loaded }

// A Loaded is what became of one variable, and where its value comes from.
type Loaded struct {
	Name    string // environment variable
	Secret  secrets.Name
	ID      string // of the secret
	Version uint64 // of the secret
	Action  Action
}

// An Action is what was done with a variable.
type Action string

const (
	// Set: it did not exist, and now holds the secret.
	Set Action = "set"

	// Kept: it existed, and was left as it is; the secret is not used.
	Kept Action = "kept"

	// Overwritten: it existed, and now holds the secret.
	Overwritten Action = "overwritten"
)

func newReport(grants []grant) *Report {
	r := &Report{Variables: make([]Loaded, 0, len(grants))}
	for _, g := range grants {
		r.Variables = append(r.Variables, Loaded{g.Name, g.Secret, g.ID, g.Version, g.action})
	}
	return r
}

// String returns a line for each variable:
//
//	API_KEY kept
//	DATABASE_URL set from secret "database-url" version 3
func (r *Report) String() string {
	var b strings.Builder
	for i, v := range r.Variables {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(v.String())
	}
	return b.String()
}

// String returns the line of [Report.String].
func (v Loaded) String() string {
	if v.Action == Kept || v.Secret == "" {
		return v.Name + " " + string(v.Action)
	}
	return fmt.Sprintf("%s %s from secret %q version %d", v.Name, v.Action, v.Secret, v.Version)
}
