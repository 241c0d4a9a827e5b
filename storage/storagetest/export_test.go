package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// CaseNames lists the cases of the suite that are for s.
func CaseNames(s storage.Store) []string {
	var names []string
	for _, c := range casesOf(s) {
		names = append(names, c.name)
	}
	return names
}

// Play runs one case as Run does, but against any testing.TB.
func Play(tb testing.TB, name string, patience time.Duration, connect func() storage.Store) {
	for _, c := range slices.Concat(cases(), purgeCases(), versionerCases()) {
		if c.name == name {
			c.play(&trial{TB: tb, name: newName(name), connect: connect, patience: patience})
			return
		}
	}
	tb.Fatalf("there is no case %s", name)
}
