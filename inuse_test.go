package secrets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// TestASecretInUseNamesThreeGrantsAndCountsTheRest is not parallel: it captures
// what is printed.
func TestASecretInUseNamesThreeGrantsAndCountsTheRest(t *testing.T) {
	f := newFixture(t)
	made(t)(f.org.CreateSecret(t.Context(), "a", text(canary)))
	at := secrets.Error{Op: "delete secret", Organization: "acme", Secret: "a"}
	deletion := []call{{at: at, do: func(ctx context.Context) error { return f.org.DeleteSecret(ctx, "a", nil) }}}
	texts := []string{
		1: `service "e" (A)`,
		2: `service "d", service "e" (A)`,
		3: `service "c" (OTHER), service "d", service "e" (A)`,
		4: `service "b" (A), service "c" (OTHER), service "d" and 1 more`,
		5: `service "a" (A), service "b" (A), service "c" (OTHER) and 2 more`,
	}
	envs := []string{"", "A", secrets.NoEnv, "OTHER", "A", "A"}
	for n := 1; n <= 5; n++ {
		service := getService(t)(f.org.CreateService(t.Context(), secrets.Name("fedcba"[n:n+1])))
		if _, err := service.Grant(t.Context(), "a", envs[n]); err != nil {
			t.Fatal(err)
		}
		err := wantRefused(t, f, secrets.ErrInUse, deletion)[0]
		var inUse *secrets.InUseError
		if !errors.As(err, &inUse) {
			t.Fatalf("%T is not an *InUseError", err)
		}
		want(t, inUse.Error(), "in use: granted to "+texts[n])
		usage, err := f.org.Usage(t.Context(), "a")
		if diff := cmp.Diff(usage, inUse.Grants); diff != "" || err != nil || len(usage) != n {
			t.Errorf("%v (-usage +error):\n%s", err, diff)
		}
	}
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Error(err)
	}
}

// TestAServiceHasAtMost64Tokens is not parallel: it captures what is printed.
func TestAServiceHasAtMost64Tokens(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	var tokens []secrets.Token
	for range 64 {
		tokens = append(tokens, f.token(t))
	}
	wantRefused(t, f, secrets.ErrLimit, tokenCalls(f.api, "")[:1])
	for _, token := range []secrets.Token{tokens[0], tokens[63]} {
		want(t, lookup(t.Context(), f.connect(t, token), "A"), canary)
	}
	if err := f.api.RevokeToken(t.Context(), tokens[5].ID()); err != nil {
		t.Fatal(err)
	}
	tokens = append(tokens[6:], f.token(t)) // one is free now
	wantRefused(t, f, secrets.ErrLimit, tokenCalls(f.api, "")[:1])
	want(t, lookup(t.Context(), f.connect(t, tokens[len(tokens)-1]), "A"), canary)
	all, err := f.api.Tokens(t.Context())
	if err != nil || len(all) != 64 {
		t.Errorf("%d tokens, %v", len(all), err)
	}
}
