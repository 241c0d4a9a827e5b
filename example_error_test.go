package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
)

// errors.Is tells what went wrong, errors.As on what.
func ExampleError() {
	ctx := context.Background()
	acme, _ := newAcme()
	_, err := acme.RevealSecret(ctx, "smtp-password")
	fmt.Println(err)
	fmt.Println(errors.Is(err, secrets.ErrNotFound))

	var failed *secrets.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Op, failed.Organization, failed.Secret)
	}
	// Output:
	// secrets: reveal: organization "acme", secret "smtp-password": secret not found
	// true
	// reveal acme smtp-password
}

// Each rule that a name breaks is told apart, for a form to point at.
func ExampleNameError() {
	_, err := secrets.ParseName("database url")
	var wrong *secrets.NameError
	if errors.As(err, &wrong) {
		fmt.Printf("%d: %s\n", wrong.Offset, wrong.Rule)
	}
	// Output: 8: only lower-case letters, digits and dashes are allowed
}

// Two secrets of one service cannot go to one variable.
func ExampleEnvError() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "replica-url", secrets.Text("postgres://app@replica/main")); err != nil {
		log.Fatal(err)
	}
	_, err = api.Grant(ctx, "replica-url", "DATABASE_URL")
	var refused *secrets.EnvError
	if errors.As(err, &refused) {
		fmt.Println(refused.Env, "is taken by", refused.Taken)
	}
	// Output: DATABASE_URL is taken by database-url
}

func ExampleInUseError() {
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
		fmt.Println(inUse)
	}
	// Output: in use: granted to service "api" (DATABASE_URL)
}
