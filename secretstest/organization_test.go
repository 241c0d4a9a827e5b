package secretstest_test

import (
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

func TestNewIsTheWholeEngine(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	org, store := secretstest.New(t)
	if org.Name() != "test" {
		t.Errorf("got %q", org.Name())
	}
	if _, err := org.CreateSecret(ctx, "database-url", secrets.Text("postgres://db")); err != nil {
		t.Fatal(err)
	}
	service, err := org.CreateService(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Grant(ctx, "database-url", ""); err != nil {
		t.Fatal(err)
	}
	token, err := service.IssueToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		t.Fatal(err)
	}
	env, err := session.Environment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if value, ok := env.Lookup("DATABASE_URL"); !ok || value.Reveal() != "postgres://db" {
		t.Error("the value did not arrive")
	}
}

func TestNewIsANewOneEachTime(t *testing.T) {
	t.Parallel()
	first, _ := secretstest.New(t)
	second, _ := secretstest.New(t)
	if _, err := first.CreateSecret(t.Context(), "a", secrets.Text("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Secret(t.Context(), "a"); !errors.Is(err, secrets.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
