package secrets_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// Services and administrators go on meanwhile. An interrupted rotation is
// finished by calling it again.
func ExampleOrganization_RotateKey() {
	ctx := context.Background()
	acme, _ := newAcme()
	before, err := acme.KeyUsage(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = acme.RotateKey(ctx, &secrets.RotateOptions{Progress: func(done, total int) {
		if done == total {
			fmt.Println("all records are done")
		}
	}})
	if err != nil {
		log.Fatal(err)
	}
	after, err := acme.KeyUsage(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(after), "key, the old one:", after[0].ID == before[0].ID)
	// Output:
	// all records are done
	// 1 key, the old one: false
}

// The organization's keyset is wrapped by another key file, and the old one is
// destroyed.
func ExampleClient_RotateRoot() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "secrets")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	oldFile, newFile := filepath.Join(dir, "root-2025.key"), filepath.Join(dir, "root-2026.key")
	oldRoot, err := crypto.KeyFile(oldFile)
	if err != nil {
		log.Fatal(err)
	}
	newRoot, err := crypto.KeyFile(newFile)
	if err != nil {
		log.Fatal(err)
	}
	client, err := secrets.Open(memory.New(), crypto.Roots(newRoot, oldRoot), nil) // as all other processes
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.CreateOrganization(ctx, "acme"); err != nil {
		log.Fatal(err)
	}

	if err := client.RotateRoot(ctx, newRoot, nil); err != nil {
		log.Fatal(err)
	}
	usage, err := client.RootUsage(ctx, newRoot)
	if err != nil {
		log.Fatal(err)
	}
	if usage.Others == 0 {
		err = os.Remove(oldFile)
	}
	fmt.Println(usage.Organizations, "organization, the old root is destroyed:", err == nil)
	// Output: 1 organization, the old root is destroyed: true
}
