package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"

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
