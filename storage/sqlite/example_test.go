package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A program gives the store to secrets.Open, and closes it when it ends.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "platform") // in a program, such as /var/lib/platform
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlite.Open(ctx, filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	batch := storage.Batch{Puts: []storage.Put{{Key: "greeting", Value: []byte("hello")}}}
	if err := store.Commit(ctx, batch); err != nil {
		log.Fatal(err)
	}
	entries, err := store.Get(ctx, "greeting")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", entries[0].Value)
	// Output: hello
}

// An app need only read. Its store says so, and sees what the platform writes.
func ExampleOpen_readOnly() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "platform")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "secrets.db")

	platform, err := sqlite.Open(ctx, path, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer platform.Close()
	app, err := sqlite.Open(ctx, path, &sqlite.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer app.Close()

	batch := storage.Batch{Puts: []storage.Put{{Key: "greeting", Value: []byte("hello")}}}
	err = app.Commit(ctx, batch)
	fmt.Println(errors.Is(err, fs.ErrPermission))
	if err := platform.Commit(ctx, batch); err != nil {
		log.Fatal(err)
	}
	entries, err := app.Get(ctx, "greeting")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", entries[0].Value)
	// Output:
	// true
	// hello
}
