// Command ours is an app as the README has it: what its service was granted goes
// into the environment.
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
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, file string) error {
	store, err := sqlite.Open(ctx, file, &sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer store.Close()
	token, err := envload.Token("SECRETS_TOKEN")
	if err != nil {
		return err
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		return err
	}
	_, err = envload.Load(ctx, session, nil)
	return err
}
