package secrets_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func wantFindings(t *testing.T, client *secrets.Client, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, findings(t, client)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// What is left of a secret or a service is no finding by itself to a process that
// knows that there is one.
func TestVerifyFindsARecordThatIsMissingAlsoIfThisProcessHasSeenIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made(t)(f.org.CreateSecret(t.Context(), "a", text("one")))
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))
	f.token(t)
	secret := stored(t, f.store, "org/acme/secret/a")
	remove(t, f.store, secret.Key)
	wantFindings(t, f.client, secret.Key)
	restore(t, f.store, []storage.Entry{secret})
	wantFindings(t, f.client)
	remove(t, f.store, "org/acme/service/api")
	remove(t, f.store, "org/acme/serial/api")
	wantFindings(t, f.client, "org/acme/service/api")
}

func TestVerifyFindsAVariableThatIsNotTakenOrNotByTheSecretThatGoesThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	const key = "org/acme/var/api/A"
	remove(t, f.store, key)
	wantFindings(t, f.client, key)
	f.grant(t, "a", "") // repairs it
	wantFindings(t, f.client)

	// The variable is granted twice.
	remove(t, f.store, key)
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	f.grant(t, "b", "A")
	wantFindings(t, f.client, key)
}

func TestVerifyGoesOnPastKeysThatNobodyCouldAskFor(t *testing.T) {
	t.Parallel()
	for _, odd := range append(oddKeys, strings.Repeat("x", storage.MaxKey), "+1") {
		f := newFixture(t)
		if _, err := f.store.Get(t.Context(), odd); errors.Is(err, storage.ErrLimit) {
			continue // nobody can plant it there
		}
		f.give(t, "a", "one")
		damage(t, f.store, "org/acme/var/api/A")
		want := []string{"org/acme/var/api/A"}
		for _, prefix := range []string{"token/api/", "version/a/", "var/api/", "env/api/", "access/", "env/", "version/", ""} {
			planted := storage.Entry{Key: "org/acme/" + prefix + odd, Value: []byte("x")}
			restore(t, f.store, []storage.Entry{planted})
			want = append(want, planted.Key)
		}
		for _, client := range []*secrets.Client{f.client, f.open(t, f.store)} {
			found := map[string]bool{}
			for _, key := range findings(t, client) {
				found[key] = true
			}
			for _, key := range want {
				if !found[key] {
					t.Errorf("%q was not found", key)
				}
			}
		}
	}
}
