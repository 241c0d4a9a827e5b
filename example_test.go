package secrets_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// The whole way of a secret: the administrator stores it and grants it to a
// service, the app of that service reads it from its environment.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "secrets")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := memory.New() // or sqlite.Open(ctx, "secrets.db", nil)
	defer store.Close()

	// The administrator's side.
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		log.Fatal(err)
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	if _, err = org.CreateSecret(ctx, "greeting", secrets.Text("hello")); err != nil {
		log.Fatal(err)
	}
	api, err := org.CreateService(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err = api.Grant(ctx, "greeting", "EXAMPLE_GREETING"); err != nil {
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
	fmt.Println(os.Getenv("EXAMPLE_GREETING"))
	// Output: hello
}

func ExampleParseName() {
	_, err := secrets.ParseName("Database_URL")
	fmt.Println(err)
	// Output: invalid name: at byte 0: only lower-case letters, digits and dashes are allowed
}

func ExampleEnvName() {
	fmt.Println(secrets.EnvName("database-url"), secrets.EnvName("2fa-key"))
	// Output: DATABASE_URL _2FA_KEY
}

func ExampleCheckEnv() {
	fmt.Println(secrets.CheckEnv("DATABASE_URL"))
	fmt.Println(secrets.CheckEnv("LD_PRELOAD"))
	// Output:
	// <nil>
	// invalid environment variable LD_PRELOAD: it changes how programs run; allow it by name if that is meant
}

func ExampleText() {
	v := secrets.Text("hunter2")
	fmt.Println(v, v.Len(), v.Equal(secrets.Bytes([]byte("hunter2"))))
	// Output: [redacted] 7 true
}

func ExampleNewEnvironment() {
	env, err := secrets.NewEnvironment(secrets.Variable{Name: "PORT", Value: secrets.Text("8080")})
	if err != nil {
		log.Fatal(err)
	}
	v, ok := env.Lookup("PORT")
	fmt.Println(v.Reveal(), ok)
	// Output: 8080 true
}
