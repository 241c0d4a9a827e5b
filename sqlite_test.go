package secrets_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

func TestAppThatOnlyReadsTheFileSeesWhatTheAdministratorWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets.db")
	admin, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	f := &fixture{store: admin, root: newRoot(t)}
	f.client = f.open(t, admin)
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.give(t, "database-url", "postgres://db")
	token := f.token(t)

	app, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	session, err := secrets.Connect(t.Context(), app, token)
	if err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "postgres://db")
	f.give(t, "database-url", "postgres://other")
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "postgres://other")
	if err := f.api.Revoke(t.Context(), "database-url"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), session, "DATABASE_URL"), "absent")
	if _, err := f.open(t, app).CreateOrganization(t.Context(), "other"); err == nil {
		t.Error("a store opened to be read was written to")
	}
}
