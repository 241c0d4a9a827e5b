package secrets_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestADeletionThatIsRefusedStopsNobodyMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	before := entries(t, f.store, "")
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	calls := 0
	store.before = func(...string) error {
		calls++
		want(t, lookup(t.Context(), f.api, "A"), "one")
		return nil
	}
	wantError(t, client.DeleteOrganization(t.Context(), "acme", nil), secrets.ErrInUse)
	if calls < 2 {
		t.Errorf("%d calls", calls)
	}
	if after := entries(t, f.store, ""); len(after) != len(before) {
		t.Errorf("%d records, and %d before", len(after), len(before))
	}
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))
}

func TestADeletionThatIsOvertakenByACreationIsUndone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	store.commit = func(ctx context.Context, b storage.Batch) error {
		store.commit = nil
		made(t)(f.org.CreateSecret(t.Context(), "a", text("one"))) // after nothing was found
		return f.store.Commit(ctx, b)
	}
	wantError(t, client.DeleteOrganization(t.Context(), "acme", nil), secrets.ErrInUse)
	made(t)(f.org.Secret(t.Context(), "a"))
}

func TestAnAppSeesAllOfItsEnvironmentOrNothingWhileItsOrganizationGoes(t *testing.T) {
	t.Parallel()
	const granted = 70 // more than go in one batch
	f := newFixture(t)
	for _, name := range names("s", granted) {
		f.give(t, name, "v")
	}
	session := f.connect(t, f.token(t))
	store := &hooked{Store: f.store}
	commits := 0
	store.commit = func(ctx context.Context, b storage.Batch) error {
		err := f.store.Commit(ctx, b)
		commits++
		env, read := session.Environment(t.Context())
		if read == nil && env.Len() != granted {
			t.Errorf("after %d commits: %d of %d variables and no error", commits, env.Len(), granted)
		}
		return err
	}
	if err := f.open(t, store).DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if commits < 4 {
		t.Errorf("%d commits", commits)
	}
	wantError(t, failure(session.Environment(t.Context())), secrets.ErrUnauthenticated)
}

func TestAnInterruptedDeletionIsFinishedByCreatingTheNameAgain(t *testing.T) {
	t.Parallel()
	for commits := 1; commits <= 2; commits++ {
		f := newFixture(t)
		f.give(t, "a", "one")
		client := f.open(t, crashing(f.store, commits))
		wantError(t, client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}), secrets.ErrUnknownOutcome)
		wantError(t, failure(f.client.Organization(t.Context(), "acme")), secrets.ErrNotFound)
		org := get(t)(f.client.CreateOrganization(t.Context(), "acme"))
		wantError(t, failure(org.Secret(t.Context(), "a")), secrets.ErrNotFound)
		logIfFailed(t, "stopped after %d commits", commits)
	}
}
