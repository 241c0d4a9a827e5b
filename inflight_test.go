package secrets_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const rowOfA = "org/acme/env/api/a"

// wantNotRead fails the test if what a service has for the secret a opens as "after"
// by the key that was taken from it.
func (th *thief) wantNotRead(t *testing.T, store storage.Store) {
	t.Helper()
	for _, e := range entries(t, store, rowOfA) {
		if got, ok := th.reads(t, store, "a", e.Value); ok && got == "after" {
			t.Errorf("who was revoked reads %q", got)
		}
	}
}

// Who writes to the database takes a row away or damages a list, so that a
// revocation does not meet a secret that an update under way has read: whatever the
// revocation leaves out, nothing that was read before it ended is stored after it.
func TestAnUpdateUnderWayWrapsForNoKeyThatIsGone(t *testing.T) {
	t.Parallel()
	hidden := func(t *testing.T, f *fixture) { remove(t, f.store, rowOfA) }
	damaged := func(t *testing.T, f *fixture) { damage(t, f.store, "org/acme/access/a") }
	for what, c := range map[string]struct {
		hide   func(*testing.T, *fixture)
		revoke func(*testing.T, *fixture, secrets.Token) error
	}{
		"RevokeToken, no row":         {hidden, revokeToken},
		"RevokeToken, a damaged list": {damaged, revokeToken},
		"DeleteService, no row": {hidden, func(t *testing.T, f *fixture, _ secrets.Token) error {
			return f.org.DeleteService(t.Context(), "api")
		}},
	} {
		for name, prepare := range map[string]func(*testing.T, *fixture){
			"in one batch": func(*testing.T, *fixture) {}, "in stages": crowded,
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				f := newFixtureOn(t, newMemory(t))
				f.give(t, "a", "one")
				prepare(t, f)
				token := f.token(t)
				th := steal(t, f.store, token)
				store := &hooked{Store: f.store}
				p := f.elsewhere(t, store)
				calls := 0
				store.commit = func(ctx context.Context, b storage.Batch) error {
					if calls++; calls == 1 && name == "in stages" { // the claim: the rows come after it
						defer func() { c.hide(t, f); revoked(t, c.revoke(t, f, token)) }()
						return store.apply(ctx, b)
					}
					if calls == 1 {
						c.hide(t, f)
						revoked(t, c.revoke(t, f, token))
					}
					return store.apply(ctx, b)
				}
				_ = failure(p.org.UpdateSecret(t.Context(), "a", text("after"), nil)) // it may fail: records are missing
				th.wantNotRead(t, f.store)
			})
		}
	}
}

func revokeToken(t *testing.T, f *fixture, token secrets.Token) error {
	return f.api.RevokeToken(t.Context(), token.ID())
}

func revoked(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("the revocation: %v", err)
	}
}

// The record of a service from before a revocation fits the list of who has access
// if a row was hidden from that. It does not fit the service's serial.
func TestAServiceRecordPutBackAloneIsRefusedByAnUpdate(t *testing.T) {
	t.Parallel()
	for what, revoke := range map[string]func(*testing.T, *fixture, secrets.Token) error{
		"RevokeToken":   revokeToken,
		"DeleteService": func(t *testing.T, f *fixture, _ secrets.Token) error { return f.org.DeleteService(t.Context(), "api") },
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		token := f.token(t)
		th := steal(t, f.store, token)
		service := stored(t, f.store, "org/acme/service/api")
		remove(t, f.store, rowOfA)
		revoked(t, revoke(t, f, token))
		restore(t, f.store, []storage.Entry{service})
		fresh := get(t)(f.open(t, f.store).Organization(t.Context(), "acme"))
		if err := failure(fresh.UpdateSecret(t.Context(), "a", text("after"), nil)); err == nil {
			t.Errorf("%s: an update with the service's old record succeeds", what)
		}
		th.wantNotRead(t, f.store)
	}
}

// A secret's record alone is put back, with its version, under an update that another
// process has read it for: the list of who has access has moved on.
func TestASecretPutBackUnderAnUpdateDoesNotUndoARevocation(t *testing.T) {
	t.Parallel()
	for what, putBack := range map[string]bool{"the claim is put back": true, "the version is of the other's write": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixtureOn(t, newMemory(t))
			crowded(t, f)
			th := steal(t, f.store, f.token(t))
			store := &hooked{Store: f.store}
			p := f.elsewhere(t, store)
			store.commit = func(ctx context.Context, b storage.Batch) error {
				store.commit = nil
				if err := store.apply(ctx, b); err != nil {
					return err
				}
				claimed := stored(t, f.store, "org/acme/secret/a")
				revoked(t, f.api.Revoke(t.Context(), "a"))
				if putBack {
					restore(t, f.store, []storage.Entry{claimed})
				}
				store.gave = stored(t, f.store, "org/acme/secret/a").Version
				return nil
			}
			_ = failure(p.org.UpdateSecret(t.Context(), "a", text("after"), nil))
			th.wantNotRead(t, f.store)
		})
	}
}

// A store that refuses a batch has seen what is in it, and may put that there later.
func TestABatchThatWasRefusedIsNotTakenLater(t *testing.T) {
	t.Parallel()
	for what, revoke := range map[string]func(*fixture) error{
		"Revoke": func(f *fixture) error { return f.api.Revoke(t.Context(), "a") },
		"DeleteSecret": func(f *fixture) error {
			return f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true})
		},
	} {
		f := newFixture(t)
		f.give(t, "a", "one")
		th := steal(t, f.store, f.token(t))
		store := &hooked{Store: f.store}
		p := f.elsewhere(t, store)
		var refused []storage.Entry
		store.commit = func(_ context.Context, b storage.Batch) error {
			refused = nil
			for _, put := range b.Puts {
				refused = append(refused, storage.Entry{Key: put.Key, Value: put.Value})
			}
			return storage.ErrUnavailable
		}
		wantError(t, failure(p.org.UpdateSecret(t.Context(), "a", text("lost"), nil)), secrets.ErrUnavailable)
		revoked(t, revoke(f))
		restore(t, f.store, refused)
		if err := failure(f.org.UpdateSecret(t.Context(), "a", text("after"), nil)); err == nil {
			t.Errorf("%s: the process that has revoked takes what was refused before", what)
		}
		th.wantNotRead(t, f.store)
	}
}

func TestRotateKeyNoticesThatItsRecordWasPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	old := stored(t, f.store, "orgs/acme")
	store.afterFirst(func() { restore(t, f.store, []storage.Entry{old}) })
	wantError(t, p.org.RotateKey(t.Context(), nil), secrets.ErrTampered)
	wantError(t, failure(p.org.CreateSecret(t.Context(), "b", text("two"))), secrets.ErrTampered)
}

// Nothing of this hinders those who have nothing to do with it: revocations of
// others, one after the other, come between any two commits.
func TestRevocationsOfOthersHinderNobody(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]func(*testing.T, process, secrets.Token) error{
		"an update in stages": func(t *testing.T, p process, _ secrets.Token) error {
			return failure(p.org.UpdateSecret(t.Context(), "a", text("after"), nil))
		},
		"RevokeToken of many grants": func(t *testing.T, p process, token secrets.Token) error {
			return p.api.RevokeToken(t.Context(), token.ID())
		},
		"RotateKey": func(t *testing.T, p process, _ secrets.Token) error { return p.org.RotateKey(t.Context(), nil) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixtureOn(t, newMemory(t))
			crowded(t, f)
			for _, name := range names("more", crowd) {
				f.give(t, name, "one")
			}
			token := f.token(t)
			other := getService(t)(f.org.CreateService(t.Context(), "other"))
			store := &hooked{Store: f.store}
			p := f.elsewhere(t, store)
			store.commit = func(ctx context.Context, b storage.Batch) error {
				issued, err := other.IssueToken(ctx)
				if err == nil {
					err = other.RevokeToken(ctx, issued.ID())
				}
				revoked(t, err)
				return store.apply(ctx, b)
			}
			if err := do(t, p, token); err != nil {
				t.Error(err)
			}
		})
	}
}
