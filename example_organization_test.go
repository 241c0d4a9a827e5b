package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
)

func ExampleOrganization_CreateSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	secret, err := acme.CreateSecret(ctx, "smtp-password", secrets.Text("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret.Name, "version", secret.Version)

	_, err = acme.CreateSecret(ctx, "smtp-password", secrets.Text("battery staple"))
	fmt.Println(errors.Is(err, secrets.ErrExists))
	// Output:
	// smtp-password version 1
	// true
}

// A pipeline sets what it finds in its own environment. It may run twice: an
// equal value makes no new version.
func ExampleOrganization_SetSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	for _, password := range []string{"correct horse", "correct horse", "battery staple"} {
		secret, err := acme.SetSecret(ctx, "smtp-password", secrets.Text(password))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("version", secret.Version)
	}
	// Output:
	// version 1
	// version 1
	// version 2
}

// Every service that is granted the secret sees the new value from now on.
func ExampleOrganization_UpdateSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	secret, err := acme.UpdateSecret(ctx, "database-url", secrets.Text("postgres://app@db-2/main"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("version", secret.Version)

	_, err = acme.UpdateSecret(ctx, "smtp-password", secrets.Text("correct horse"), nil)
	fmt.Println(errors.Is(err, secrets.ErrNotFound)) // it has to be created first
	// Output:
	// version 2
	// true
}

// IfVersion keeps a change that somebody else has made meanwhile.
func ExampleOrganization_UpdateSecret_ifVersion() {
	ctx := context.Background()
	acme, _ := newAcme()
	shown, err := acme.Secret(ctx, "database-url") // to somebody who edits it
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.UpdateSecret(ctx, "database-url", secrets.Text("postgres://app@db-2/main"), nil); err != nil {
		log.Fatal(err)
	}
	_, err = acme.UpdateSecret(ctx, "database-url", secrets.Text("postgres://app@db-3/main"), &secrets.UpdateOptions{
		IfVersion: shown.Version,
	})
	if errors.Is(err, secrets.ErrConflict) {
		fmt.Println("it has changed: look at it again")
	}
	// Output: it has changed: look at it again
}

func ExampleOrganization_Secret() {
	ctx := context.Background()
	acme, _ := newAcme()
	secret, err := acme.Secret(ctx, "database-url")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret.Name, "version", secret.Version)
	fmt.Println("rotated since:", secret.UpdatedAt.After(secret.CreatedAt))
	// Output:
	// database-url version 1
	// rotated since: false
}

func ExampleOrganization_Secrets() {
	ctx := context.Background()
	acme, _ := newAcme()
	if _, err := acme.CreateSecret(ctx, "stripe-key", secrets.Text("sk_live_51H")); err != nil {
		log.Fatal(err)
	}
	for secret, err := range acme.Secrets(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(secret.Name, "version", secret.Version)
	}
	// Output:
	// database-url version 1
	// stripe-key version 1
}

// A page of a listing ends with the name that the next one starts after.
func ExampleOrganization_Secrets_pages() {
	ctx := context.Background()
	acme, _ := newAcme()
	for _, name := range []secrets.Name{"smtp-password", "stripe-key"} {
		if _, err := acme.CreateSecret(ctx, name, secrets.Text("correct horse")); err != nil {
			log.Fatal(err)
		}
	}
	page := &secrets.ListOptions{After: "database-url", Limit: 1}
	for secret, err := range acme.Secrets(ctx, page) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(secret.Name)
	}
	// Output: smtp-password
}

func ExampleOrganization_RevealSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	value, err := acme.RevealSecret(ctx, "database-url")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(value) // a value never prints itself
	fmt.Println(value.Reveal())
	// Output:
	// [redacted]
	// postgres://app@db/main
}

// A secret that is granted is deleted only if that is meant.
func ExampleOrganization_DeleteSecret() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}

	err = acme.DeleteSecret(ctx, "database-url", nil)
	var inUse *secrets.InUseError
	if errors.As(err, &inUse) {
		for _, grant := range inUse.Grants {
			fmt.Println("used by", grant.Service, "as", grant.Env)
		}
	}

	err = acme.DeleteSecret(ctx, "database-url", &secrets.DeleteOptions{Revoke: true})
	fmt.Println(err)
	// Output:
	// used by api as DATABASE_URL
	// <nil>
}

// Usage tells where a secret is used.
func ExampleOrganization_Usage() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", "PGURL"); err != nil {
		log.Fatal(err)
	}
	grants, err := acme.Usage(ctx, "database-url")
	if err != nil {
		log.Fatal(err)
	}
	for _, grant := range grants {
		fmt.Println(grant.Service, grant.Env)
	}
	// Output: api PGURL
}
