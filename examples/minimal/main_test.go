package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "minimal-")
	if err != nil {
		panic(err)
	}
	code := 1
	if err := os.Chdir(dir); err == nil {
		os.Unsetenv("DATABASE_URL") // which would win
		code = m.Run()
	}
	_ = os.Chdir(os.TempDir())
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func Example() {
	main()
	// Output: postgres://app@db/main
}
