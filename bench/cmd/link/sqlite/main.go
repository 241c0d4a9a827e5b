// Command sqlite is the smallest app with SQLite.
package main

import (
	"context"
	"log"
	"os"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func main() {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	token, err := envload.Token("SECRETS_TOKEN")
	if err != nil {
		log.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := envload.Load(ctx, session, nil); err != nil {
		log.Fatal(err)
	}
}
