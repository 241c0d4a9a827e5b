package secrets_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// The whole way of a secret: the administrator stores it and grants it to a
// service, the app of that service reads it from its environment.
func Example() {
	ctx := context.Background()
	store := memory.New() // a program takes sqlite.Open: see the example of Open
	defer store.Close()
	dir, err := os.MkdirTemp("", "acme")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// The administrator's side.
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		log.Fatal(err)
	}
	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	_, err = acme.CreateSecret(ctx, "orders-database-url", secrets.Text("postgres://orders@db/main"))
	if err != nil {
		log.Fatal(err)
	}
	api, err := acme.CreateService(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "orders-database-url", ""); err != nil {
		log.Fatal(err)
	}
	token, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}

	// The app's side: the store and the token, nothing else.
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := envload.Load(ctx, session, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(os.Getenv("ORDERS_DATABASE_URL"))
	// Output: postgres://orders@db/main
}

// A platform opens its store and its root key once, when it starts.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "platform") // in a program, such as /var/lib/platform
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	root, err := crypto.KeyFile(filepath.Join(dir, "root.json")) // made if there is none
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	client, err := secrets.Open(store, root, &secrets.Options{Logger: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}

	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(acme.Name())
	// Output: acme
}

// newClient returns a Client as in the example of Open, with a store in memory.
func newClient() (*secrets.Client, storage.Store) {
	dir, err := os.MkdirTemp("", "acme")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir) // the key file is read once
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		log.Fatal(err)
	}
	store := memory.New()
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		log.Fatal(err)
	}
	return client, store
}

// newAcme returns an organization with the secret "database-url" and the
// service "api", which is not granted it.
func newAcme() (*secrets.Organization, storage.Store) {
	ctx := context.Background()
	client, store := newClient()
	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "database-url", secrets.Text("postgres://app@db/main")); err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateService(ctx, "api"); err != nil {
		log.Fatal(err)
	}
	return acme, store
}
