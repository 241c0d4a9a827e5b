package secrets_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Somebody else asks the root for the organization, and is not answered, when the
// keyset has just been destroyed.
func TestDeletionOfAnOrganizationEndsWithItsContextAlsoIfTheRootHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		before := stored(t, f.store, "orgs/acme")
		store, root := &hooked{Store: f.store}, &flaky{Root: f.root}
		f.root = root
		client := f.open(t, store)
		org := get(t)(client.Organization(t.Context(), "acme"))
		hangs, asked, answer := false, make(chan struct{}), make(chan struct{})
		root.unwrap = func(int64) error {
			if hangs {
				hangs = false
				close(asked)
				<-answer
			}
			return nil
		}
		store.afterFirst(func() {
			hangs = true
			go func() { _ = client.DeleteOrganization(context.Background(), "acme", withGrants()) }()
			<-asked
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := client.DeleteOrganization(ctx, "acme", withGrants())
		wantError(t, err, context.DeadlineExceeded)
		wantError(t, err, secrets.ErrUnknownOutcome)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v", took)
		}
		close(answer)
		synctest.Wait()
		if left := entries(t, f.store, ""); len(left) > 0 {
			t.Errorf("%d records left", len(left))
		}
		restore(t, f.store, []storage.Entry{before})
		wantError(t, failure(org.Secret(t.Context(), "a")), secrets.ErrNotFound)
	})
}
