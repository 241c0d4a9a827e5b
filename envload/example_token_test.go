package envload_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

func ExampleToken() {
	ctx := context.Background()
	store := memory.New() // in a program, the one that the platform writes to
	issued, err := issueToken(ctx, store)
	if err != nil {
		fmt.Println(err)
		return
	}
	os.Setenv("APP_TOKEN", issued) // the platform does so when it starts the app

	token, err := envload.Token("APP_TOKEN")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, set := os.LookupEnv("APP_TOKEN")
	fmt.Println("still set:", set)

	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := envload.Load(ctx, session, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("variables:", len(report.Variables))

	_, err = envload.Token("APP_TOKEN")
	fmt.Println(err)
	// Output:
	// still set: false
	// variables: 0
	// envload: APP_TOKEN: missing: neither it nor APP_TOKEN_FILE is set
}

// issueToken is the platform's side.
func issueToken(ctx context.Context, store *memory.Store) (string, error) {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	root, err := crypto.KeyFile(filepath.Join(folder, "root.json"))
	if err != nil {
		return "", err
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return "", err
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		return "", err
	}
	service, err := org.CreateService(ctx, "app")
	if err != nil {
		return "", err
	}
	token, err := service.IssueToken(ctx)
	return token.Reveal(), err
}
