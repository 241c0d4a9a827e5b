package secrets_test

import "testing"

// The grant is one of a service that was deleted, and of which a row was hidden.
func TestAGrantThatIsTakenOverFromAnEarlierServiceKeepsItsVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	remove(t, f.store, "org/acme/env/api/a")
	if err := f.org.DeleteService(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	f.grant(t, "a", "")
	_, err := f.api.Grant(t.Context(), "b", "A")
	wantEnv(t, err, "A", "a")
	want(t, lookup(t.Context(), f.connect(t, f.token(t)), "A"), "one")
}
