// Command byhand does what command ours does, by hand: raw SQLite, raw Tink.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/seed-9f6dc42a/secrets/bench/byhand"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, file string) error {
	db, err := byhand.OpenSQLite(file)
	if err != nil {
		return err
	}
	defer db.Close()
	token := os.Getenv("SECRETS_TOKEN")
	if err := os.Unsetenv("SECRETS_TOKEN"); err != nil {
		return err
	}
	app, err := byhand.Open(ctx, db, token)
	if err != nil {
		return err
	}
	values, err := app.Environment(ctx)
	if err != nil {
		return err
	}
	for name, value := range values {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return err
}
