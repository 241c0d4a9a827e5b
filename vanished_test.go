package secrets_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// A record that is gone must not make a reader take the next one for it, neither
// at the first look nor at the second, which an update brings about.
func TestWhatVanishesWhileItIsReadTakesNothingElseWithIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		vanishes string
		moved    bool
		want     []string
	}{
		{"org/acme/secret/a", false, []string{"B=b:one", "C=c:one"}},
		{"org/acme/secret/a", true, []string{"B=b:two", "C=c:one"}},
		{"org/acme/env/api/a", false, []string{"A=a:one", "B=b:one", "C=c:one"}}, // as of one instant before
		{"org/acme/env/api/a", true, []string{"B=b:two", "C=c:one"}},
	} {
		for _, app := range []bool{true, false} {
			f := newFixture(t)
			for _, name := range []secrets.Name{"a", "b", "c"} {
				f.give(t, name, "one")
			}
			store := &hooked{Store: f.store}
			source := f.source(t, store, app)
			store.before = func(keys ...string) error {
				if !slices.Contains(keys, "org/acme/secret/a") {
					return nil
				}
				store.before = nil
				remove(t, f.store, c.vanishes)
				if c.moved {
					set(t, f.org, "b", "two")
				}
				return nil
			}
			if diff := cmp.Diff(c.want, variables(t, source)); diff != "" {
				t.Errorf("%s, moved %v, %T (-want +got):\n%s", c.vanishes, c.moved, source, diff)
			}
		}
	}
}

// source returns a session over store, or the service as a platform has it.
func (f *fixture) source(t *testing.T, store *hooked, app bool) secrets.Source {
	t.Helper()
	if !app {
		return f.elsewhere(t, store).api
	}
	session, err := secrets.Connect(t.Context(), store, f.token(t))
	if err != nil {
		t.Fatal(err)
	}
	return session
}
