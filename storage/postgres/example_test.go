package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// A program gives the store to secrets.Open, and closes it when it ends.
func ExampleOpen() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// A program that has connections of its own goes on using them.
func ExampleOpenPool() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL")+"&target_session_attrs=primary")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	store, err := postgres.OpenPool(ctx, pool, &postgres.Options{Schema: "platform_secrets"})
	if errors.Is(err, fs.ErrPermission) {
		fmt.Println("the table is to be created by a role that may")
	}
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}
