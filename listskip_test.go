package secrets_test

import (
	"fmt"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestListingsWithoutOptionsYieldEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []secrets.Name{"b", "a-b", "a", "9", "a0", "zz"} {
		get(t)(f.client.CreateOrganization(t.Context(), name))
		getService(t)(f.org.CreateService(t.Context(), name))
		f.give(t, name, "v")
	}
	for i, expected := range []string{"[9 a a-b a0 acme b zz]", "[9 a a-b a0 b zz]", "[9 a a-b a0 api b zz]"} {
		for _, opts := range []*secrets.ListOptions{nil, {}} {
			want(t, fmt.Sprint(collect(t, listings[i].names(t.Context(), f.client, opts))), expected)
		}
	}
}

func TestDeletedSecretsAreNeitherListedNorCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range names("entry", 2*listedPage+2) {
		if _, err := f.org.CreateSecret(t.Context(), name, text("v")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names("entry", 2*listedPage)[1:] {
		if err := f.org.DeleteSecret(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		limit    int
		expected string
	}{
		{0, "[entry-0000 entry-0256 entry-0257]"}, {1, "[entry-0000]"}, {2, "[entry-0000 entry-0256]"},
		{3, "[entry-0000 entry-0256 entry-0257]"}, {4, "[entry-0000 entry-0256 entry-0257]"},
	} {
		want(t, fmt.Sprint(collect(t, listings[1].names(t.Context(), f.client, &secrets.ListOptions{Limit: c.limit}))), c.expected)
	}
	want(t, fmt.Sprint(collect(t, listings[1].names(t.Context(), f.client, &secrets.ListOptions{After: "entry-0000", Limit: 1}))), "[entry-0256]")
}

// One bad record does not hide the others.
func TestListingsYieldWhatWasTamperedWithAndGoOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []secrets.Name{"a", "b", "c"} {
		get(t)(f.client.CreateOrganization(t.Context(), name))
		getService(t)(f.org.CreateService(t.Context(), name))
		f.give(t, name, "v")
	}
	for i, key := range []string{"orgs/b", "org/acme/secret/b", "org/acme/service/b"} {
		restore(t, f.store, []storage.Entry{{Key: key, Value: []byte("something else")}})
		at := []secrets.Error{
			{Op: "list organizations", Organization: "b"}, {Op: "list secrets", Organization: "acme", Secret: "b"},
			{Op: "list services", Organization: "acme", Service: "b"},
		}[i]
		seen := map[secrets.Name]bool{}
		for name, err := range listings[i].names(t.Context(), f.client, nil) {
			seen[name] = true
			if name != "b" && err == nil {
				continue
			}
			want(t, string(name), "b")
			wantError(t, err, secrets.ErrTampered)
			wantAt(t, err, at)
		}
		if !seen["a"] || !seen["b"] || !seen["c"] {
			t.Errorf("%s: lists %v", at.Op, seen)
		}
	}
}

func TestADeletedSecretInFrontHidesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []secrets.Name{"a", "b", "c"} {
		made(t)(f.org.CreateSecret(t.Context(), name, text("v")))
	}
	for _, left := range []string{"[b c]", "[c]", "[]"} {
		first := collect(t, listings[1].names(t.Context(), f.client, &secrets.ListOptions{Limit: 1}))[0]
		if err := f.org.DeleteSecret(t.Context(), first, nil); err != nil {
			t.Fatal(err)
		}
		want(t, fmt.Sprint(collect(t, listings[1].names(t.Context(), f.client, nil))), left)
	}
}
