package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// A program gives the store to secrets.Open and to secrets.Connect.
func ExampleNew() {
	ctx := context.Background()
	store := memory.New()
	defer store.Close()

	create := storage.Batch{
		Checks: []storage.Check{{Key: "greeting"}}, // Version 0: there is none yet
		Puts:   []storage.Put{{Key: "greeting", Value: []byte("hello")}},
	}
	if err := store.Commit(ctx, create); err != nil {
		log.Fatal(err)
	}
	err := store.Commit(ctx, create)
	fmt.Println(errors.Is(err, storage.ErrConflict)) // there is one now

	entries, err := store.Get(ctx, "greeting", "farewell")
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range entries {
		fmt.Printf("%s: %s\n", entry.Key, entry.Value)
	}
	// Output:
	// true
	// greeting: hello
}

// Two handles are to each other as two processes with one database.
func ExampleStore_Open() {
	ctx := context.Background()
	platform := memory.New()
	defer platform.Close()
	app := platform.Open()
	defer app.Close()

	batch := storage.Batch{Puts: []storage.Put{{Key: "greeting", Value: []byte("hello")}}}
	if err := platform.Commit(ctx, batch); err != nil {
		log.Fatal(err)
	}
	entries, err := app.List(ctx, "", "", storage.MaxList)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(entries))
	// Output: 1
}

// A signal says that there may be something new, not what.
func ExampleStore_Changes() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // ends the signals
	store := memory.New()
	defer store.Close()
	changes, err := store.Changes(ctx, "org/acme/")
	if err != nil {
		log.Fatal(err)
	}

	batch := storage.Batch{Puts: []storage.Put{{Key: "org/acme/greeting", Value: []byte("hello")}}}
	if err := store.Commit(ctx, batch); err != nil {
		log.Fatal(err)
	}
	<-changes
	entries, err := store.List(ctx, "org/acme/", "", storage.MaxList)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(entries))
	// Output: 1
}
