package secretstest_test

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// databaseHost is a function of the program that the examples test.
func databaseHost(ctx context.Context, source secrets.Source) (string, error) {
	env, err := source.Environment(ctx)
	if err != nil {
		return "", err
	}
	text, ok := env.Lookup("DATABASE_URL")
	if !ok {
		return "", errors.New("DATABASE_URL is not granted")
	}
	database, err := url.Parse(text.Reveal())
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL") // err quotes it
	}
	return database.Host, nil
}

// A test of an app needs no store and no token. In a test file, t is the
// parameter of TestDatabaseHost(t *testing.T).
func ExampleEnvironment() {
	var t *testing.T
	env := secretstest.Environment(t, map[string]string{"DATABASE_URL": "postgres://localhost/test"})
	host, err := databaseHost(t.Context(), env)
	if host != "localhost" || err != nil {
		t.Errorf("got %q, %v", host, err)
	}
}

// A test of a platform has the whole engine, in memory.
func ExampleNew() {
	var t *testing.T
	org, store := secretstest.New(t)
	api, err := org.CreateService(t.Context(), "api")
	if err != nil {
		t.Fatal(err)
	}
	token, err := api.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := databaseHost(t.Context(), session); err == nil {
		t.Error("a service without grants has a database")
	}
}

// A canary is what must not get out: not in an error, not in a log line.
func ExampleNoLeak() {
	var t *testing.T
	const canary = "hunter2-9f3c21aa"
	env := secretstest.Environment(t, map[string]string{"DATABASE_URL": "postgres://app:" + canary + "@db:port/main"})
	secretstest.NoLeak(t, func() error {
		_, err := databaseHost(t.Context(), env)
		return err
	}, canary)
}
