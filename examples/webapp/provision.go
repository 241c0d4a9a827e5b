package main

import (
	"context"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// provision does what an administrator does elsewhere, once. It returns what the
// server is given; the caller closes the store.
func provision(ctx context.Context, dir string) (*sqlite.Store, secrets.Token, error) {
	store, err := sqlite.Open(ctx, filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		return nil, secrets.Token{}, err
	}
	token, err := grant(ctx, store, dir)
	if err != nil {
		store.Close()
		return nil, secrets.Token{}, err
	}
	return store, token, nil
}

func grant(ctx context.Context, store *sqlite.Store, dir string) (secrets.Token, error) {
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return secrets.Token{}, err
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return secrets.Token{}, err
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		return secrets.Token{}, err
	}
	url := "file:" + filepath.ToSlash(filepath.Join(dir, "app.db"))
	if _, err := org.CreateSecret(ctx, "database-url", secrets.Text(url)); err != nil {
		return secrets.Token{}, err
	}
	web, err := org.CreateService(ctx, "web")
	if err != nil {
		return secrets.Token{}, err
	}
	if _, err := web.Grant(ctx, "database-url", ""); err != nil { // as DATABASE_URL
		return secrets.Token{}, err
	}
	return web.IssueToken(ctx)
}
