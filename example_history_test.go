package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"sync"

	"github.com/seed-9f6dc42a/secrets"
)

// The new password does not work. The one before it is set again, as a new version.
func ExampleOrganization_RollbackSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	for _, password := range []string{"correct horse", "battery staple"} {
		if _, err := acme.SetSecret(ctx, "smtp-password", secrets.Text(password)); err != nil {
			log.Fatal(err)
		}
	}
	secret, err := acme.RollbackSecret(ctx, "smtp-password", 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	value, err := acme.RevealSecret(ctx, "smtp-password")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("version", secret.Version, "is", value.Reveal())

	versions, err := acme.Versions(ctx, "smtp-password")
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range versions {
		fmt.Println(v.Version, v.Current)
	}
	// Output:
	// version 3 is correct horse
	// 3 true
	// 2 false
	// 1 false
}

// Whoever reads sees the new login with the new password, or the old with the old.
func ExampleOrganization_Change() {
	ctx := context.Background()
	acme, _ := newAcme()
	err := acme.Change(ctx, func(c *secrets.Change) error {
		return errors.Join(
			c.SetSecret("smtp-login", secrets.Text("mailer-2")),
			c.SetSecret("smtp-password", secrets.Text("correct horse")),
		)
	})
	fmt.Println(err)
	// Output: <nil>
}

// Many secrets are imported 50 to a commit, by a few at once: one encrypts while
// another waits for its commit.
func ExampleOrganization_Change_import() {
	ctx := context.Background()
	acme, _ := newAcme()
	names := make([]secrets.Name, 200) // from elsewhere, with their values
	for i := range names {
		names[i] = secrets.Name(fmt.Sprintf("key-%d", i))
	}

	var importers sync.WaitGroup
	for some := range slices.Chunk(names, 50) {
		importers.Go(func() {
			err := acme.Change(ctx, func(c *secrets.Change) error {
				for _, name := range some {
					if err := c.CreateSecret(name, secrets.Text("value of "+string(name))); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				log.Fatal(err)
			}
		})
	}
	importers.Wait()

	value, err := acme.RevealSecret(ctx, "key-199")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.Reveal())
	// Output: value of key-199
}

// The store is one in memory, which has no files. SQLite, PostgreSQL and etcd purge
// theirs, and the level is "files".
func ExampleOrganization_ConfirmDeletion() {
	ctx := context.Background()
	acme, _ := newAcme()
	if err := acme.DeleteSecret(ctx, "database-url", &secrets.DeleteOptions{Revoke: true}); err != nil {
		log.Fatal(err)
	}
	receipt, err := acme.ConfirmDeletion(ctx, "database-url")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Secret, "is gone:", receipt.Level)
	// Output: database-url is gone: records
}
