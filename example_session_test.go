package secrets_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// issueToken is the platform's side: it grants "database-url" to the service
// "api", and hands over what its app is given.
func issueToken(ctx context.Context) (text string, store storage.Store) {
	acme, store := newAcme()
	api, err := acme.Service(ctx, "api")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		log.Fatal(err)
	}
	token, err := api.IssueToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	return token.Reveal(), store
}

// An app has the store, which it need only read, and a token.
func ExampleConnect() {
	ctx := context.Background()
	text, store := issueToken(ctx)

	token, err := secrets.ParseToken(text) // or envload.Token("SECRETS_TOKEN")
	if err != nil {
		log.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Organization(), session.Service())
	// Output: acme api
}

// Most apps leave this to envload.Load or envload.Parse.
func ExampleSession_Environment() {
	ctx := context.Background()
	text, store := issueToken(ctx)
	token, err := secrets.ParseToken(text)
	if err != nil {
		log.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		log.Fatal(err)
	}
	env, err := session.Environment(ctx) // what is granted now
	if err != nil {
		log.Fatal(err)
	}
	for v := range env.All() {
		fmt.Printf("%s is %s, version %d: %s\n", v.Name, v.Secret, v.Version, v.Value.Reveal())
	}
	// Output: DATABASE_URL is database-url, version 1: postgres://app@db/main
}

// An environment of one's own stands for a session in a test.
func ExampleNewEnvironment() {
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "DATABASE_URL", Value: secrets.Text("postgres://localhost/test")},
	)
	if err != nil {
		log.Fatal(err)
	}
	type Config struct {
		Database secrets.Value `env:"DATABASE_URL,required,notEmpty"`
		Port     int           `env:"PORT" envDefault:"8080"`
	}
	config, err := envload.Parse[Config](context.Background(), env, &envload.Options{
		Base: []string{}, // nothing of the developer's own environment
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.Database.Reveal(), config.Port)
	// Output: postgres://localhost/test 8080
}

func ExampleEnvironment_All() {
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "SMTP_PASSWORD", Value: secrets.Text("correct horse"), Secret: "smtp-password"},
		secrets.Variable{Name: "DATABASE_URL", Value: secrets.Text("postgres://app@db/main"), Secret: "database-url"},
		secrets.Variable{Name: secrets.NoEnv, Value: secrets.Text("-----BEGIN"), Secret: "signing-key"},
	)
	if err != nil {
		log.Fatal(err)
	}
	for v := range env.All() {
		fmt.Println(v.Name, v.Value)
	}
	// Output:
	// DATABASE_URL [redacted]
	// SMTP_PASSWORD [redacted]
}

func ExampleEnvironment_Lookup() {
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "DATABASE_URL", Value: secrets.Text("postgres://app@db/main")},
	)
	if err != nil {
		log.Fatal(err)
	}
	url, ok := env.Lookup("DATABASE_URL")
	fmt.Println(url.Reveal(), ok)
	_, ok = env.Lookup("SMTP_PASSWORD")
	fmt.Println(ok)
	// Output:
	// postgres://app@db/main true
	// false
}

// A secret is found by its own name too, whichever variable it goes to.
func ExampleEnvironment_Secret() {
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "PGURL", Value: secrets.Text("postgres://app@db/main"), Secret: "database-url"},
		secrets.Variable{Name: secrets.NoEnv, Value: secrets.Text("-----BEGIN"), Secret: "signing-key"},
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []secrets.Name{"database-url", "signing-key"} {
		value, ok := env.Secret(name)
		fmt.Println(name, value.Reveal(), ok)
	}
	// Output:
	// database-url postgres://app@db/main true
	// signing-key -----BEGIN true
}

// The error says what is wrong, and never shows the text.
func ExampleParseToken() {
	ctx := context.Background()
	text, _ := issueToken(ctx)
	token, err := secrets.ParseToken(text)
	fmt.Println(token, err)

	_, err = secrets.ParseToken(text[:len(text)-8])
	fmt.Println(err)
	_, err = secrets.ParseToken("postgres://app@db/main")
	fmt.Println(err)
	// Output:
	// [redacted] <nil>
	// secrets: parse token: unauthenticated: its checksum does not match; it is cut off or mistyped
	// secrets: parse token: unauthenticated: a token begins with sks1_
}

// The id of a token may be logged, and is what RevokeToken takes.
func ExampleToken_ID() {
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
	tokens, err := api.Tokens(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tokens[0].ID == token.ID())
	// Output: true
}
