package main

import (
	"os"
	"testing"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "minimal-")
	if err != nil {
		panic(err)
	}
	if err := os.Chdir(dir); err != nil {
		panic(err)
	}
	os.Unsetenv("DATABASE_URL") // which would win
	leaktest.Main(m, func() {
		_ = os.Chdir(os.TempDir())
		_ = os.RemoveAll(dir)
	})
}

func Example() {
	main()
	// Output: postgres://app@db/main
}
