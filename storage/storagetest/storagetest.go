// Package storagetest turns the contract of [storage.Store] into tests and
// benchmarks that any driver can run.
//
// A driver's test is a function that opens a Store by name, and a call:
//
//	func TestStore(t *testing.T) {
//		dir := t.TempDir()
//		storagetest.Run(t, func(t *testing.T, name string) storage.Store {
//			store, err := sqlite.Open(t.Context(), filepath.Join(dir, name), nil)
//			if err != nil {
//				t.Fatal(err)
//			}
//			return store
//		})
//	}
//
// The suite closes every Store that it opens. It counts the goroutines that a
// subtest starts and wants them gone at its end, so what several names share,
// such as a server or a pool, is to be started before Run and not by open.
//
// What it cannot cause from outside it cannot test: that what Commit acknowledged
// survives a crash or a power cut, and that a signal follows a lost connection.
// Test those against your own server or disk.
//
// A bug found in one driver becomes a case here, for all of them.
package storagetest

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// Run runs one parallel subtest for each sentence of the contract that can be
// tested from outside, against data of its own.
//
// open returns a new Store over the data called name. A name that was not
// opened before stands for empty data. The same name again, while other Stores
// of that name are open or after they were closed, stands for the same data
// through a Store with a Close and Changes of its own. A name is at most 40
// characters of a-z, 0-9 and '_', begins with a letter, and is new in each
// run, so that a database may keep what earlier runs left.
//
// If what it returns is a [storage.Purger] or a [storage.Versioner], that is
// tested as well. A Versioner has to say every version here: one that wraps a
// Store which is none, as [storage.Limit] of it, fails.
//
// With -short there are fewer rounds of what is repeated. One case compares
// random operations with a model; if it fails, it prints them and the value of
// STORAGETEST_SEED that repeats them.
func Run(t *testing.T, open func(t *testing.T, name string) storage.Store) {
	for _, c := range casesOf(probe(t, open)) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			name := newName(c.name)
			c.play(&trial{
				TB:       t,
				name:     name,
				connect:  func() storage.Store { return open(t, name) },
				patience: 10 * time.Second,
				short:    testing.Short(),
			})
		})
	}
}

// A testCase is one sentence of the contract.
type testCase struct {
	name string
	run  func(*trial)
}

func (c testCase) play(t *trial) {
	t.watchGoroutines()
	c.run(t)
}

// probe asks a Store what it can do.
func probe(t *testing.T, open func(t *testing.T, name string) storage.Store) storage.Store {
	t.Helper()
	s := open(t, newName("probe"))
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return s
}

// casesOf leaves out those of what s is not.
func casesOf(s storage.Store) []testCase {
	all := cases()
	if _, ok := s.(storage.Purger); ok {
		all = append(all, purgeCases()...)
	}
	if _, ok := s.(storage.Versioner); ok {
		all = append(all, versionerCases()...)
	}
	return all
}

// cases are those of every Store.
func cases() []testCase {
	var all []testCase
	for _, group := range [][]testCase{
		getCases(), listCases(), versionCases(), commitCases(), concurrencyCases(), sharingCases(),
		bytesCases(), errorCases(), limitCases(), contextCases(), closeCases(), changesCases(), randomCases(),
	} {
		all = append(all, group...)
	}
	return all
}

// newName is what a database with short identifiers takes as well.
func newName(title string) string {
	const length = 30
	title = strings.ToLower(title)
	return title[:min(len(title), length)] + "_" + strings.ToLower(rand.Text()[:9])
}
