package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A platform that starts opens what it has created before.
func ExampleClient_CreateOrganization() {
	ctx := context.Background()
	client, _ := newClient()
	for range 2 { // the second start finds the organization
		acme, err := client.CreateOrganization(ctx, "acme")
		if errors.Is(err, secrets.ErrExists) {
			fmt.Println("opening it")
			acme, err = client.Organization(ctx, "acme")
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(acme.Name())
	}
	// Output:
	// acme
	// opening it
	// acme
}

func ExampleClient_Organization() {
	ctx := context.Background()
	client, _ := newClient()
	if _, err := client.CreateOrganization(ctx, "acme"); err != nil {
		log.Fatal(err)
	}
	acme, err := client.Organization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(acme.Name())

	_, err = client.Organization(ctx, "globex")
	fmt.Println(errors.Is(err, secrets.ErrNotFound))
	// Output:
	// acme
	// true
}

// A mistyped path makes a new key, which opens nothing that was there before.
func ExampleClient_Organization_wrongRoot() {
	ctx := context.Background()
	client, store := newClient()
	if _, err := client.CreateOrganization(ctx, "acme"); err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "acme")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root, err := crypto.KeyFile(filepath.Join(dir, "rot.json"))
	if err != nil {
		log.Fatal(err)
	}
	client, err = secrets.Open(store, root, nil) // which does not ask the root yet
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Organization(ctx, "acme")
	if errors.Is(err, secrets.ErrWrongRoot) {
		fmt.Println("is the path of the key file right?")
	}
	// Output: is the path of the key file right?
}

// Listing asks for no key: it works although the root is out of reach.
func ExampleClient_Organizations() {
	ctx := context.Background()
	client, _ := newClient()
	for _, name := range []secrets.Name{"globex", "acme", "acme-labs"} {
		if _, err := client.CreateOrganization(ctx, name); err != nil {
			log.Fatal(err)
		}
	}
	for organization, err := range client.Organizations(ctx, &secrets.ListOptions{Prefix: "acme"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(organization.Name)
	}
	// Output:
	// acme
	// acme-labs
}

func ExampleClient_DeleteOrganization() {
	ctx := context.Background()
	client, _ := newClient()
	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "database-url", secrets.Text("postgres://app@db/main")); err != nil {
		log.Fatal(err)
	}

	err = client.DeleteOrganization(ctx, "acme", nil)
	fmt.Println(errors.Is(err, secrets.ErrInUse)) // it holds a secret

	err = client.DeleteOrganization(ctx, "acme", &secrets.DeleteOptions{Revoke: true})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// A platform does this now and then, and after a crash.
func ExampleClient_Sweep() {
	ctx := context.Background()
	client, _ := newClient()
	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "database-url", secrets.Text("postgres://app@db/main")); err != nil {
		log.Fatal(err)
	}
	done, err := client.Sweep(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deletions finished:", done.Secrets+done.Services+done.Organizations)
	// Output: deletions finished: 0
}

// Somebody has changed a record in the database.
func ExampleClient_Verify() {
	ctx := context.Background()
	client, store := newClient()
	acme, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "database-url", secrets.Text("postgres://app@db/main")); err != nil {
		log.Fatal(err)
	}
	found, err := store.Get(ctx, "org/acme/secret/database-url")
	if err != nil {
		log.Fatal(err)
	}
	err = store.Commit(ctx, storage.Batch{
		Checks: []storage.Check{{Key: found[0].Key, Version: found[0].Version}},
		Puts:   []storage.Put{{Key: found[0].Key, Value: []byte("changed")}},
	})
	if err != nil {
		log.Fatal(err)
	}

	report, err := client.Verify(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	for _, finding := range report.Findings {
		fmt.Println(finding.Key, finding.Reason)
	}
	// Output: org/acme/secret/database-url does not open, or contradicts another record
}
