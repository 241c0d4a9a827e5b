package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storagetest.Run(t, func(t *testing.T, name string) storage.Store {
		return open(t, filepath.Join(dir, name), nil)
	})
}

func BenchmarkStore(b *testing.B) {
	dir := b.TempDir()
	storagetest.Benchmark(b, func(b *testing.B, name string) storage.Store {
		return open(b, filepath.Join(dir, name), nil)
	})
}
