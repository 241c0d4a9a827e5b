// Command memory is the smallest app with the store in memory.
package main

import (
	"context"
	"log"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

func main() {
	ctx := context.Background()
	store := memory.New()
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
