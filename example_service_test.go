package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// A service reads nothing until it is granted something.
func ExampleOrganization_CreateService() {
	ctx := context.Background()
	acme, _ := newAcme()
	worker, err := acme.CreateService(ctx, "worker")
	if err != nil {
		log.Fatal(err)
	}
	grants, err := worker.Grants(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(worker.Name(), len(grants))
	// Output: worker 0
}

func ExampleOrganization_Service() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(api.Name())

	_, err = acme.Service(ctx, "worker")
	fmt.Println(errors.Is(err, secrets.ErrNotFound))
	// Output:
	// api
	// true
}

func ExampleOrganization_Services() {
	ctx := context.Background()
	acme, _ := newAcme()
	if _, err := acme.CreateService(ctx, "worker"); err != nil {
		log.Fatal(err)
	}
	for service, err := range acme.Services(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(service.Name)
	}
	// Output:
	// api
	// worker
}

// The tokens and the grants of a service go with it; the secrets stay.
func ExampleOrganization_DeleteService() {
	ctx := context.Background()
	acme, store := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	token, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := acme.DeleteService(ctx, "api"); err != nil {
		log.Fatal(err)
	}
	_, err = secrets.Connect(ctx, store, token)
	fmt.Println(errors.Is(err, secrets.ErrUnauthenticated))
	// Output: true
}

// Without another name, the variable is the secret's name in upper case.
func ExampleService_Grant() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	grant, err := api.Grant(ctx, "database-url", "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s reads %s as %s\n", grant.Service, grant.Secret, grant.Env)
	// Output: api reads database-url as DATABASE_URL
}

// The app says how its variables are called. Another Grant moves the secret to
// another variable.
func ExampleService_Grant_variable() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	for _, env := range []string{"PGURL", "ORDERS_DATABASE_URL"} {
		if _, err := api.Grant(ctx, "database-url", env); err != nil {
			log.Fatal(err)
		}
	}
	grants, err := api.Grants(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, grant := range grants {
		fmt.Println(grant.Secret, grant.Env)
	}
	// Output: database-url ORDERS_DATABASE_URL
}

// What should never be in an environment, such as a private key, is granted
// without a variable. The app finds it by the secret's name.
func ExampleService_Grant_noEnv() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := acme.CreateSecret(ctx, "signing-key", secrets.Bytes([]byte{0x30, 0x2e, 0x00})); err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "signing-key", secrets.NoEnv); err != nil {
		log.Fatal(err)
	}
	env, err := api.Environment(ctx)
	if err != nil {
		log.Fatal(err)
	}
	key, ok := env.Secret("signing-key")
	fmt.Println(env.Len(), ok, key.Len())
	// Output: 0 true 3
}

// What the service may have kept does not open what is stored from now on. It
// has seen the value, though: change that at its source.
func ExampleService_Revoke() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}
	if err := api.Revoke(ctx, "database-url"); err != nil {
		log.Fatal(err)
	}
	env, err := api.Environment(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, ok := env.Lookup("DATABASE_URL")
	fmt.Println(ok)
	// Output: false
}

func ExampleService_Grants() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}
	grants, err := api.Grants(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, grant := range grants {
		fmt.Println(grant.Secret, grant.Env)
	}
	// Output: database-url DATABASE_URL
}

// A platform that starts its apps gives them their secrets itself; they need
// neither a token nor the store.
func ExampleService_Environment() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}

	app := exec.Command("sh", "-c", `echo "$DATABASE_URL"`)
	app.Env, err = envload.Environ(ctx, api, nil) // that, and nothing of ours
	if err != nil {
		log.Fatal(err)
	}
	app.Stdout = os.Stdout
	if err := app.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: postgres://app@db/main
}

// A token is seen once: write it where the app alone reads it.
func ExampleService_IssueToken() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	token, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.CreateTemp("", "token") // of mode 0600, for the app alone
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(token.Reveal()); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token) // it never prints itself
	// Output: [redacted]
}

func ExampleService_Tokens() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	issued, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := api.Tokens(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range tokens {
		fmt.Println(token.ID == issued.ID())
	}
	// Output: true
}

// The app cannot use the token any more from then on. Somebody who has it and a
// program of his own can, until it is revoked.
func ExampleService_IssueTokenUntil() {
	ctx := context.Background()
	acme, _ := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	expires := time.Now().Add(90 * 24 * time.Hour)
	if _, err := api.IssueTokenUntil(ctx, expires); err != nil {
		log.Fatal(err)
	}
	tokens, err := api.Tokens(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tokens[0].ExpiresAt.Equal(expires.Truncate(time.Millisecond)))

	_, err = api.IssueTokenUntil(ctx, time.Now().Add(-time.Hour))
	fmt.Println(errors.Is(err, secrets.ErrInvalidExpiry))
	// Output:
	// true
	// true
}

// A token is replaced without a break: another one is issued, the app goes over
// to it, and the first is revoked.
func ExampleService_RevokeToken_rollover() {
	ctx := context.Background()
	acme, store := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}
	first, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	old, err := secrets.Connect(ctx, store, first)
	if err != nil {
		log.Fatal(err)
	}

	second, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, second) // both are good now
	if err != nil {
		log.Fatal(err)
	}
	if err := api.RevokeToken(ctx, first.ID()); err != nil {
		log.Fatal(err)
	}

	_, err = old.Environment(ctx)
	fmt.Println(errors.Is(err, secrets.ErrUnauthenticated))
	env, err := session.Environment(ctx) // which has noticed nothing
	if err != nil {
		log.Fatal(err)
	}
	url, _ := env.Lookup("DATABASE_URL")
	fmt.Println(url.Reveal())
	// Output:
	// true
	// postgres://app@db/main
}

// A token that was revoked opens nothing any more, and is not listed.
func ExampleService_RevokeToken() {
	ctx := context.Background()
	acme, store := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	first, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	second, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := api.RevokeToken(ctx, first.ID()); err != nil {
		log.Fatal(err)
	}
	_, err = secrets.Connect(ctx, store, first)
	fmt.Println(errors.Is(err, secrets.ErrUnauthenticated))
	_, err = secrets.Connect(ctx, store, second)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
