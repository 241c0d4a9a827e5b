// Command minimal is the whole flow in one program. It leaves secrets.db and
// root.key in the current folder, and a second run there finds that the
// organization exists already: remove both first.
//
// ci: run from outside the module
package main

import (
	"context"
	"os"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func main() {
	ctx := context.Background()
	store := must(sqlite.Open(ctx, "secrets.db", nil))
	acme := must(must(secrets.Open(store, must(crypto.KeyFile("root.key")), nil)).CreateOrganization(ctx, "acme"))
	must(acme.SetSecret(ctx, "database-url", secrets.Text("postgres://app@db/main")))
	api := must(acme.CreateService(ctx, "api"))
	must(api.Grant(ctx, "database-url", ""))
	session := must(secrets.Connect(ctx, store, must(api.IssueToken(ctx))))
	must(envload.Load(ctx, session, nil))
	must(os.Stdout.WriteString(os.Getenv("DATABASE_URL") + "\n"))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
