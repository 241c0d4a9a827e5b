package secrets_test

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/internal/testserver"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// postgresServer is started by the first test that needs it, and ends with the
// process.
var postgresServer = sync.OnceValues(testserver.OpenPostgres)

// newPostgres returns an empty store in a schema of its own.
func newPostgres(t testing.TB) *postgres.Store {
	t.Helper()
	server, err := postgresServer()
	testserver.Require(t, err)
	schema := "test_" + strings.ToLower(rand.Text())
	s, err := postgres.Open(t.Context(), server.DSN, &postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
