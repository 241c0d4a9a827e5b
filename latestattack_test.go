package secrets_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The thief has a token that is revoked while its row is hidden, so the secret
// stays as it is remembered.
func TestAnUpdateWithoutAReadPutsNothingForAKeyThatWasReplaced(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		stolen := u.token(t)
		made(t)(u.org.UpdateSecret(t.Context(), "a", text("two"), nil)) // remembers the token's service
		th := u.hideAndRevoke(t, u.api, stolen)
		err := failure(u.org.UpdateSecret(t.Context(), "a", text("for those who may"), nil))
		wantError(t, err, secrets.ErrTampered)
		u.wantNothingRead(t, th)
	})
}

// hideAndRevoke revokes a token while its service's row is gone, which the thief
// who it returns has removed.
func (u *updating) hideAndRevoke(t *testing.T, service *secrets.Service, stolen secrets.Token) *thief {
	t.Helper()
	th := steal(t, u.fixture.store, stolen)
	remove(t, u.fixture.store, th.rowKey("a"))
	if err := service.RevokeToken(t.Context(), stolen.ID()); err != nil {
		t.Fatal(err)
	}
	return th
}

func (u *updating) wantNothingRead(t *testing.T, th *thief) {
	t.Helper()
	found, err := u.fixture.store.Get(t.Context(), th.rowKey("a"))
	if err != nil || len(found) == 0 {
		return
	}
	if got, ok := th.reads(t, u.fixture.store, "a", found[0].Value); ok {
		t.Errorf("the thief reads %q", got)
	}
}

// The update that is remembered fits a batch, and the one after it does not: it
// deletes a version too.
func TestAnUpdateInStagesReadsTheServices(t *testing.T) {
	t.Parallel()
	whileUpdating(t, func(t *testing.T, u *updating) {
		for _, name := range names("svc", 95) {
			s := getService(t)(u.fixture.org.CreateService(t.Context(), name))
			if _, err := s.Grant(t.Context(), "a", ""); err != nil {
				t.Fatal(err)
			}
		}
		stolen := u.token(t)
		org := u.keeping(t, 3)
		made(t)(org.UpdateSecret(t.Context(), "a", text("three"), nil))
		th := u.hideAndRevoke(t, u.api, stolen)
		wantError(t, failure(org.UpdateSecret(t.Context(), "a", text("for those who may"), nil)), secrets.ErrTampered)
		u.wantNothingRead(t, th)
	})
}

// In SQLite and PostgreSQL a version is a cell that a thief with the database can
// set to what the process remembers. It has seen the newer record, though.
func TestAnUpdateDoesNotGoByWhatItsProcessHasSeenNewerOf(t *testing.T) {
	t.Parallel()
	for what, key := range map[string]string{"service": "org/acme/service/api", "secret": "org/acme/secret/a"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			whileUpdating(t, func(t *testing.T, u *updating) {
				stolen := u.token(t)
				store := &backdated{Store: u.fixture.store, real: map[string]uint64{}, fake: map[string]uint64{}}
				p := u.elsewhere(t, store)
				made(t)(p.org.UpdateSecret(t.Context(), "a", text("two"), nil))
				before := stored(t, u.fixture.store, key)
				var th *thief
				if what == "service" {
					th = u.hideAndRevoke(t, p.api, stolen)
				} else {
					th = steal(t, u.fixture.store, stolen)
					if err := u.api.Revoke(t.Context(), "a"); err != nil {
						t.Fatal(err)
					}
					if usage, err := p.org.Usage(t.Context(), "a"); err != nil || len(usage) != 1 {
						t.Fatal(usage, err)
					}
				}
				store.set(t, key, before.Version)
				err := failure(p.org.UpdateSecret(t.Context(), "a", text("for those who may"), nil))
				if what == "service" {
					wantError(t, err, secrets.ErrTampered)
				}
				u.wantNothingRead(t, th)
			})
		})
	}
}

// A backdated store has entries whose version somebody has set to another.
type backdated struct {
	storage.Store
	real, fake map[string]uint64
}

func (b *backdated) set(t *testing.T, key string, version uint64) {
	t.Helper()
	b.real[key], b.fake[key] = stored(t, b.Store, key).Version, version
}

func (b *backdated) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := b.Store.Get(ctx, keys...)
	for i, e := range found {
		if fake, ok := b.fake[e.Key]; ok && e.Version == b.real[e.Key] {
			found[i].Version = fake
		}
	}
	return found, err
}

func (b *backdated) Commit(ctx context.Context, batch storage.Batch) error {
	_, err := b.CommitVersion(ctx, batch)
	return err
}

func (b *backdated) CommitVersion(ctx context.Context, batch storage.Batch) (uint64, error) {
	checks := append([]storage.Check(nil), batch.Checks...)
	for i, c := range checks {
		if fake, ok := b.fake[c.Key]; ok && c.Version == fake {
			checks[i].Version = b.real[c.Key]
		}
	}
	batch.Checks = checks
	return storage.Commit(ctx, b.Store, batch)
}
