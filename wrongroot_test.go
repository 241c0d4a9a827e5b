package secrets_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// A mistyped path makes a new key file, and so a root that opens nothing.
func TestAWrongRootChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	wrong := &fixture{store: f.store, root: newRoot(t)}
	client := wrong.open(t, f.store)
	calls := append(clientCalls(client, "acme"), clientCalls(client, "other")[0])
	calls = append(calls, rootCalls(client, newRoot(t))[0])
	calls = append(calls, call{secrets.Error{Op: "delete organization and revoke"}, false, func(ctx context.Context) error {
		return client.DeleteOrganization(ctx, "acme", &secrets.DeleteOptions{Revoke: true})
	}})
	unchanged(t, f, func() {
		for _, c := range calls {
			wantError(t, c.do(t.Context()), secrets.ErrWrongRoot)
		}
	})
	want(t, lookup(t.Context(), f.api, "A"), "one")
}
