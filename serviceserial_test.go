package secrets_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// The thief of these tests had a token that was revoked. He keeps whatever was
// ever stored, and puts one record of it back where the administrator reads it.

// The early record lists no token, and so contradicts none.
func TestAServiceRecordFromBeforeItsTokensIsRefused(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]func(context.Context, *secrets.Service) error{
		"grant": func(ctx context.Context, api *secrets.Service) error { return failure(api.Grant(ctx, "b", "")) },
		"move":  func(ctx context.Context, api *secrets.Service) error { return failure(api.Grant(ctx, "a", "B")) },
		"issue and revoke": func(ctx context.Context, api *secrets.Service) error {
			token, err := api.IssueToken(ctx)
			return errors.Join(err, api.RevokeToken(ctx, token.ID()))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			early := stored(t, f.store, "org/acme/service/api")
			f.give(t, "a", "one")
			token := f.token(t)
			row := stored(t, f.store, "org/acme/token/api/"+token.ID())
			if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
				t.Fatal(err)
			}
			made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
			made(t)(f.org.CreateSecret(t.Context(), "b", text("after")))
			restore(t, f.store, []storage.Entry{early})
			rec := newRecording(f.store)
			org := get(t)(f.open(t, rec).Organization(t.Context(), "acme")) // without memory
			err := service(t.Context(), org, "api", func(api *secrets.Service) error { return do(t.Context(), api) })
			wantError(t, err, secrets.ErrTampered)
			restore(t, f.store, []storage.Entry{row})
			for _, key := range []string{"org/acme/env/api/a", "org/acme/env/api/b"} {
				for _, value := range rec.values[key] {
					if slices.Contains(readWith(t, alone(t, f.store, storage.Entry{Key: key, Value: value}), token), "after") {
						t.Errorf("by %s the revoked token reads what was stored after its revocation", key)
					}
				}
			}
		})
	}
}

// alone returns a copy of a store, in memory, with one row of the service alone.
func alone(t *testing.T, store storage.Store, row storage.Entry) storage.Store {
	t.Helper()
	others := slices.DeleteFunc(entries(t, store, ""), func(e storage.Entry) bool {
		return strings.HasPrefix(e.Key, "org/acme/env/api/")
	})
	c := memory.New()
	t.Cleanup(func() { _ = c.Close() })
	restore(t, c, append(others, row))
	return c
}

// readWith returns the values that a session reads, none if it fails.
func readWith(t *testing.T, store storage.Store, token secrets.Token) []string {
	t.Helper()
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		return nil
	}
	env, err := session.Environment(t.Context())
	if err != nil {
		return nil
	}
	var values []string
	for v := range env.All() {
		values = append(values, reveal(v.Value))
	}
	return values
}

// A history is what happened to a service, with every value of every record.
type history struct {
	*fixture
	rec     *recording
	revoked secrets.Token // of the service
	live    secrets.Token // the same service's: but it has lost b and c
}

func newHistory(t *testing.T) *history {
	t.Helper()
	f := &fixture{store: newStore(t), root: newRoot(t)}
	h := &history{fixture: f, rec: newRecording(f.store)}
	f.client = f.open(t, h.rec)
	f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
	f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f.give(t, "a", "a1")
	h.revoked = f.token(t)
	f.give(t, "b", "b1")
	f.give(t, "c", "c1")
	h.live = f.token(t)
	f.give(t, "a", "a2")
	must(f.api.Revoke(t.Context(), "b"))
	f.give(t, "b", "b1")
	must(f.org.DeleteSecret(t.Context(), "c", &secrets.DeleteOptions{Revoke: true}))
	made(t)(f.org.SetSecret(t.Context(), "c", text("c2")))
	must(f.api.RevokeToken(t.Context(), h.revoked.ID()))
	f.token(t)
	must(f.api.Revoke(t.Context(), "b"))
	f.give(t, "a", "a3")
	return h
}

// after has an administrator without memory store values, as far as he can.
func (h *history) after(t *testing.T, store storage.Store) {
	t.Helper()
	org, err := h.open(t, store).Organization(t.Context(), "acme")
	if err != nil {
		return
	}
	for _, name := range []secrets.Name{"a", "b", "c", "d"} {
		_, _ = org.SetSecret(t.Context(), name, text("after"))
	}
	api, err := org.Service(t.Context(), "api")
	if err != nil {
		return
	}
	_, _ = api.IssueToken(t.Context())
	_, _ = api.Grant(t.Context(), "a", "")
	_, _ = api.Grant(t.Context(), "d", "")
}

// wantNothingRead lets the thief try, on a database that he can write to by now,
// the revoked token with all rows, and the live one with those it has lost.
func (h *history) wantNothingRead(t *testing.T, store storage.Store) {
	t.Helper()
	try := func(token secrets.Token, row storage.Entry, tokens [][]byte) {
		t.Helper()
		for _, value := range tokens {
			c := alone(t, store, row)
			restore(t, c, []storage.Entry{{Key: "org/acme/token/api/" + token.ID(), Value: value}})
			if slices.Contains(readWith(t, c, token), "after") {
				t.Errorf("by %s a token reads what was stored after it had lost that", row.Key)
			}
		}
	}
	for _, row := range entries(t, store, "org/acme/env/api/") {
		try(h.revoked, row, h.rec.values["org/acme/token/api/"+h.revoked.ID()])
	}
	for _, name := range []string{"b", "c"} {
		for _, value := range h.rec.values["org/acme/env/api/"+name] {
			row := storage.Entry{Key: "org/acme/env/api/" + name, Value: value}
			try(h.live, row, h.rec.values["org/acme/token/api/"+h.live.ID()])
		}
	}
}

func TestNoRecordPutBackAloneBringsAnythingRevokedBack(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	if len(h.rec.values) < 10 || len(h.rec.values["org/acme/service/api"]) < 5 {
		t.Fatalf("%d records: the history is not recorded", len(h.rec.values))
	}
	for key, values := range h.rec.values {
		t.Run(strings.ReplaceAll(key, "/", ":"), func(t *testing.T) {
			t.Parallel()
			for i, value := range values {
				c := copied(t, h.store)
				restore(t, c, []storage.Entry{{Key: key, Value: value}})
				h.after(t, c)
				h.wantNothingRead(t, c)
				if t.Failed() {
					t.Fatalf("with value %d of %d put back", i, len(values))
				}
			}
			c := copied(t, h.store)
			if now, err := c.Get(t.Context(), key); err != nil || len(now) == 0 {
				return // it is not there
			}
			remove(t, c, key)
			h.after(t, c)
			h.wantNothingRead(t, c)
		})
	}
}

func TestTheThiefOfThatHistoryReadsWhatIsStillGranted(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.after(t, h.store)
	if got := readWith(t, h.store, h.live); !slices.Equal(got, []string{"after", "after"}) {
		t.Errorf("the live token reads %q", got)
	}
}
