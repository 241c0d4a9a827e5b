// Command quickstart shows both sides of the engine in one program: an
// administrator who stores and grants a secret, and an app that finds it in its
// environment. It leaves nothing behind.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	_ "github.com/ncruces/go-sqlite3/driver" // the app's own database

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		return err
	}
	defer store.Close()

	service, token, err := admin(ctx, store, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "admin: granted database-url to the service api")
	if err := app(ctx, store, token, out); err != nil {
		return err
	}

	if err := service.Revoke(ctx, "database-url"); err != nil {
		return err
	}
	fmt.Fprintln(out, "admin: revoked it")
	os.Unsetenv("DATABASE_URL") // a new process would not have it either
	err = app(ctx, store, token, out)
	if !errors.Is(err, envload.ErrMissing) {
		return fmt.Errorf("the app was to lose access, and got: %w", err)
	}
	fmt.Fprintln(out, "app:   does not start again:", err)
	return nil
}

// admin holds the root key. It returns what an app is given: a token.
func admin(ctx context.Context, store *sqlite.Store, dir string) (*secrets.Service, secrets.Token, error) {
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return nil, secrets.Token{}, err
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return nil, secrets.Token{}, err
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		return nil, secrets.Token{}, err
	}
	url := "file:" + filepath.ToSlash(filepath.Join(dir, "app.db"))
	if _, err := org.CreateSecret(ctx, "database-url", secrets.Text(url)); err != nil {
		return nil, secrets.Token{}, err
	}
	service, err := org.CreateService(ctx, "api")
	if err != nil {
		return nil, secrets.Token{}, err
	}
	if _, err := service.Grant(ctx, "database-url", ""); err != nil { // as DATABASE_URL
		return nil, secrets.Token{}, err
	}
	token, err := service.IssueToken(ctx)
	return service, token, err
}

// app holds the store and the token, and nothing else.
func app(ctx context.Context, store *sqlite.Store, token secrets.Token, out io.Writer) error {
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		return err
	}
	report, err := envload.Load(ctx, session, &envload.Options{
		Existing: envload.Overwrite, // whatever the shell has in DATABASE_URL
		Required: []string{"DATABASE_URL"},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "app:  ", report)

	db, err := sql.Open("sqlite3", os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE visits AS SELECT 'Ada' AS name"); err != nil {
		return err
	}
	var name string
	if err := db.QueryRowContext(ctx, "SELECT name FROM visits").Scan(&name); err != nil {
		return err
	}
	fmt.Fprintln(out, "app:   its database was visited by", name)
	return nil
}
