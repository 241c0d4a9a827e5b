package memory_test

import (
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	var named sync.Map
	storagetest.Run(t, func(_ *testing.T, name string) storage.Store {
		first, _ := named.LoadOrStore(name, memory.New())
		return first.(*memory.Store).Open()
	})
}
