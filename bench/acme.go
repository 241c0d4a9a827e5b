package main

import (
	"fmt"
	"path/filepath"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// acme is an organization in a store, with a service that is granted fifty
// secrets.
type acme struct {
	store storage.Store
	root  crypto.Root
	org   *secrets.Organization
	api   *secrets.Service
	token secrets.Token
}

// value is what the i-th secret holds, everywhere and for every peer.
func value(i int) string {
	return fmt.Sprintf("postgres://user:correct-horse-%02d@database.internal:5432/main", i)
}

// name is in the middle of what [crowd] puts beside it.
func name(i int) secrets.Name { return secrets.Name(fmt.Sprintf("m-secret-%02d", i)) }

func variable(i int) string { return secrets.EnvName(name(i)) }

func (l *lab) acme(driver string) (*acme, error) {
	store, err := l.store(driver)
	if err != nil {
		return nil, err
	}
	return l.acmeIn(store)
}

func (l *lab) acmeIn(store storage.Store) (*acme, error) {
	dir, err := l.folder("root")
	if err != nil {
		return nil, err
	}
	a := &acme{store: store}
	if a.root, err = crypto.KeyFile(filepath.Join(dir, "root.key")); err != nil {
		return nil, err
	}
	client, err := secrets.Open(store, a.root, nil)
	if err != nil {
		return nil, err
	}
	if a.org, err = client.CreateOrganization(l.ctx, "acme"); err != nil {
		return nil, err
	}
	if a.api, err = a.org.CreateService(l.ctx, "api"); err != nil {
		return nil, err
	}
	for i := range variables {
		if _, err := a.org.CreateSecret(l.ctx, name(i), secrets.Text(value(i))); err != nil {
			return nil, err
		}
		if _, err := a.api.Grant(l.ctx, name(i), ""); err != nil {
			return nil, err
		}
	}
	a.token, err = a.api.IssueToken(l.ctx)
	return a, err
}
