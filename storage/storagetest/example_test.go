package storagetest_test

import (
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// databases are what the driver under test opens: here memory, by name. A
// driver of a server has its address instead, and makes a table or a prefix of
// the name.
type databases struct{ byName sync.Map }

// open returns a new Store over the data called name.
func (d *databases) open(_ *testing.T, name string) storage.Store {
	first, _ := d.byName.LoadOrStore(name, memory.New())
	return first.(*memory.Store).Open()
}

// The test of a driver is a function that opens a Store, and this call, in
// TestStore(t *testing.T) of the driver's package.
func ExampleRun() {
	var t *testing.T
	var d databases // what is shared is there before Run
	storagetest.Run(t, d.open)
}
