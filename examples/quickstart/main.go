// Command quickstart shows both sides of the engine in one program: an
// administrator who stores and grants a secret, and an app that finds it in its
// environment.
//
//	quickstart                                    on a file that is removed again
//	quickstart -store sqlite:secrets.db
//	quickstart -store postgres://user@host/database
//	quickstart -store etcd://host1,host2/prefix
//
// It deletes what it has stored. An empty file or table, if there was none, is
// what remains of it.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // the app's own database

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func main() {
	location := flag.String("store", "", "where to keep the records: sqlite:path, postgres://… or etcd://host1,host2/prefix")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *location, os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, location string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if location == "" {
		location = "sqlite:" + filepath.Join(dir, "secrets.db")
	}
	store, err := fromenv.Open(ctx, location)
	if err != nil {
		return err
	}
	defer store.Close()
	return quickstart(ctx, store, dir, out)
}

// quickstart removes what it makes, also if the answer to its creation is lost.
func quickstart(ctx context.Context, store storage.Store, dir string, out io.Writer) error {
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return err
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return err
	}
	org, err := client.CreateOrganization(ctx, organization)
	switch {
	case errors.Is(err, secrets.ErrWrongRoot):
		return fmt.Errorf("%w: the store is in use; name one, or an etcd prefix, that is not", err)
	case errors.Is(err, secrets.ErrUnavailable):
		return err
	case err == nil:
		url := "file:" + filepath.ToSlash(filepath.Join(dir, "app.db"))
		err = show(ctx, store, org, url, out)
	}
	return errors.Join(err, remove(ctx, client))
}

const organization = "quickstart"

// remove also works after an interruption: nobody has the root key any more once
// the program has ended.
func remove(ctx context.Context, client *secrets.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err := client.DeleteOrganization(ctx, organization, &secrets.DeleteOptions{Revoke: true})
	if errors.Is(err, secrets.ErrNotFound) {
		return nil
	}
	return err
}

func show(ctx context.Context, store storage.Store, org *secrets.Organization, url string, out io.Writer) error {
	service, token, err := admin(ctx, org, url)
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

// admin holds the root key, through org. It returns what an app is given: a
// token.
func admin(ctx context.Context, org *secrets.Organization, url string) (*secrets.Service, secrets.Token, error) {
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
func app(ctx context.Context, store storage.Store, token secrets.Token, out io.Writer) error {
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
