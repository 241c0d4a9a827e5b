package secrets_test

import (
	"context"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// Whoever edits a record knows its format, and leaves its tag as it was.
func TestAVariableOrVersionEditedBeforeAnUpdateLeadsNobodyAstray(t *testing.T) {
	t.Parallel()
	const env, version, serial = 2, 2, 3 // fields of a row and of a secret
	for what, edit := range map[string]struct {
		key   string
		field uint64
		value any
		err   error // of the update
	}{
		"another variable":           {"org/acme/env/api/a", env, "B", nil},
		"a privileged variable":      {"org/acme/env/api/a", env, "LD_PRELOAD", nil},
		"no variable":                {"org/acme/env/api/a", env, "", nil},
		"an earlier version":         {"org/acme/secret/a", version, uint64(1), secrets.ErrTampered},
		"a later version":            {"org/acme/secret/a", version, uint64(3), secrets.ErrTampered},
		"the last of all versions":   {"org/acme/secret/a", version, ^uint64(0), secrets.ErrTampered},
		"an earlier access":          {"org/acme/secret/a", serial, uint64(1), secrets.ErrTampered},
		"a later access of a secret": {"org/acme/secret/a", serial, uint64(9), secrets.ErrTampered},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "one")
			set(t, f.org, "a", "two")
			token := f.token(t)
			f = f.clone(t) // without memory
			e := stored(t, f.store, edit.key)
			e.Value = edited(t, e.Value, edit.field, edit.value)
			restore(t, f.store, []storage.Entry{e})
			updated, err := f.org.UpdateSecret(t.Context(), "a", text("three"), nil)
			session := f.connect(t, token)
			if edit.err != nil {
				wantError(t, err, edit.err)
				if got := lookup(t.Context(), session, "A"); got != "two" && got != secrets.ErrTampered.Error() {
					t.Errorf("the app reads %q", got)
				}
				return
			}
			if err != nil || updated.Version != 3 {
				t.Errorf("version %d, %v", updated.Version, err)
			}
			got, err := session.Environment(t.Context())
			if err != nil || got.Len() != 1 {
				t.Errorf("%d variables, %v", got.Len(), err)
			}
			want(t, lookup(t.Context(), session, "A"), "three")
		})
	}
}

// edited returns a record with another value in one field, and the same tag.
func edited(t *testing.T, data []byte, field uint64, value any) []byte {
	t.Helper()
	fields := unpack[map[uint64]any](t, data)
	if _, ok := fields[field]; !ok {
		t.Fatalf("the record has no field %d", field)
	}
	fields[field] = value
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	body, err := mode.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return append(data[:2+int(data[1]):2+int(data[1])], body...)
}

// What is open needs the root no more until the organization's key is replaced
// elsewhere. What is not open is refused, and works once the root is back.
func TestAnOutageOfTheRootBreaksNoOpenHandle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	down := false
	away := func(int64) error {
		if down {
			return crypto.ErrRootUnavailable
		}
		return nil
	}
	client, err := secrets.Open(f.store, &flaky{Root: f.root, wrap: away, unwrap: away}, nil)
	if err != nil {
		t.Fatal(err)
	}
	org := get(t)(client.Organization(t.Context(), "acme"))
	down = true
	for what, do := range map[string]func(context.Context) error{
		"set":     func(ctx context.Context) error { return failure(org.SetSecret(ctx, "a", text("two"))) },
		"create":  func(ctx context.Context) error { return failure(org.CreateSecret(ctx, "b", text("three"))) },
		"reveal":  func(ctx context.Context) error { return failure(org.RevealSecret(ctx, "a")) },
		"list":    func(ctx context.Context) error { return listed(org.Secrets(ctx, nil)) },
		"service": func(ctx context.Context) error { return failure(org.CreateService(ctx, "web")) },
		"open":    func(ctx context.Context) error { return failure(org.Service(ctx, "api")) },
	} {
		if err := do(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	api := getService(t)(org.Service(t.Context(), "api"))
	token, err := api.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.connect(t, token), "A"), "two") // an app has no root at all
	want(t, lookup(t.Context(), api, "A"), "two")
	if err := api.Revoke(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	before := entries(t, f.store, "orgs/")
	fresh, err := secrets.Open(f.store, &flaky{Root: f.root, wrap: away, unwrap: away}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, failure(fresh.Organization(t.Context(), "acme")), crypto.ErrRootUnavailable)
	wantError(t, failure(fresh.CreateOrganization(t.Context(), "other")), crypto.ErrRootUnavailable)
	if after := entries(t, f.store, "orgs/"); len(after) != len(before) {
		t.Errorf("%d organizations, want %d: nothing is stored without the root", len(after), len(before))
	}
	down = false
	get(t)(fresh.Organization(t.Context(), "acme"))
}
