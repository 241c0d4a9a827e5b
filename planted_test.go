package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// plant writes many records whose keys begin alike, and stand before those that
// begin with a letter.
func plant(t *testing.T, store storage.Store, prefix string, n int, value []byte) {
	t.Helper()
	planted := make([]storage.Entry, n)
	for i := range planted {
		planted[i] = storage.Entry{Key: fmt.Sprintf("%s%04d", prefix, i), Value: value}
	}
	restore(t, store, planted)
}

// oddKeys begin keys that nobody could ask for. More than a page of them comes
// before what is honest.
var oddKeys = []string{" ", "0 ", "0\x1b[2J", "0/../", "0\n", "0\xff", "0é", "0A", "0" + strings.Repeat("x", 70)}

func TestOddKeysHideNothing(t *testing.T) {
	t.Parallel()
	for _, odd := range oddKeys {
		f := newFixture(t)
		if _, err := f.store.Get(t.Context(), odd); errors.Is(err, storage.ErrLimit) {
			continue // nobody can plant it there
		}
		f.give(t, "a", "one")
		getService(t)(f.org.CreateService(t.Context(), "web"))
		for _, prefix := range []string{"orgs/", "org/acme/secret/", "org/acme/service/"} {
			plant(t, f.store, prefix+odd, listedPage+1, []byte("x"))
		}
		for i, expected := range []string{"[acme]", "[a]", "[api web]"} {
			var found []secrets.Name
			for name, err := range listings[i].names(t.Context(), f.client, nil) {
				if err == nil {
					found = append(found, name)
				} else {
					wantError(t, err, secrets.ErrTampered)
				}
				if strings.ContainsFunc(string(name), func(r rune) bool { return r <= ' ' || r > '~' }) {
					t.Errorf("%s of %q: the name %q", listings[i].op, odd, name)
				}
			}
			want(t, fmt.Sprint(found), expected)
		}
	}
}

func TestOddKeysStopNoDeletion(t *testing.T) {
	t.Parallel()
	for _, odd := range oddKeys {
		f := newFixture(t)
		if _, err := f.store.Get(t.Context(), odd); errors.Is(err, storage.ErrLimit) {
			continue // nobody can plant it there
		}
		f.give(t, "a", "one")
		token, other := f.token(t), f.token(t)
		for _, prefix := range []string{"org/acme/", "org/acme/secret/", "org/acme/env/api/", "org/acme/var/api/", "org/acme/token/api/"} {
			plant(t, f.store, prefix+odd, listedPage+1, []byte("x"))
		}
		if err := f.api.RevokeToken(t.Context(), token.ID()); err != nil {
			t.Errorf("%q: revoke token: %v", odd, err)
		}
		if _, err := secrets.Connect(t.Context(), f.store, other); err != nil {
			t.Errorf("%q: connect with another token: %v", odd, err)
		}
		if err := f.org.DeleteService(t.Context(), "api"); err != nil {
			t.Errorf("%q: delete service: %v", odd, err)
		}
		if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
			t.Errorf("%q: delete organization: %v", odd, err)
		}
		if left := entries(t, f.store, "org"); len(left) > 0 {
			t.Errorf("%q: %d records left", odd, len(left))
		}
		if _, err := f.client.CreateOrganization(t.Context(), "acme"); err != nil {
			t.Errorf("%q: create organization: %v", odd, err)
		}
	}
}

// A measuring store counts what its answers hold.
type measuring struct {
	storage.Store
	pages, bytes int
}

func (m *measuring) Get(ctx context.Context, keys ...string) ([]storage.Entry, error) {
	found, err := m.Store.Get(ctx, keys...)
	m.add(found)
	return found, err
}

func (m *measuring) List(ctx context.Context, prefix, after string, limit int) ([]storage.Entry, error) {
	m.pages++
	page, err := m.Store.List(ctx, prefix, after, limit)
	m.add(page)
	return page, err
}

func (m *measuring) add(entries []storage.Entry) {
	for _, e := range entries {
		m.bytes += len(e.Value)
	}
}

// What an app holds is bounded by its grants, not by what somebody writes beside
// them: it stops at the first row that is too large, or is one too many.
func TestPlantedRowsDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	const grants, row = 4998, 4 << 10 // the most that there can be, and the largest
	small := forgedRow{SecretID: crypto.NewID(), Env: "A", Wraps: []forgedWrap{{Wrap: make([]byte, 100)}}}
	large := forgedRow{SecretID: crypto.NewID(), Env: "A", Wraps: []forgedWrap{{Wrap: make([]byte, row)}}}
	crowd := small
	for range 5 {
		crowd.Wraps = append(crowd.Wraps, forgedWrap{})
	}
	for what, planted := range map[string]struct {
		n      int
		row    forgedRow
		pages  int
		reason error
	}{
		"large":      {3 * listedPage, large, 1, secrets.ErrTampered},
		"many":       {grants + 3*listedPage, small, grants/listedPage + 1, storage.ErrLimit},
		"many wraps": {3 * listedPage, crowd, 4, secrets.ErrTampered}, // decoded once all are read
	} {
		f := newFixture(t)
		f.give(t, "zz", "one")
		token := f.token(t)
		plant(t, f.store, "org/acme/env/api/0", planted.n, untagged(t, planted.row))
		m := &measuring{Store: f.store}
		session, err := secrets.Connect(t.Context(), m, token)
		if err != nil {
			t.Fatal(err)
		}
		api := getService(t)(get(t)(f.open(t, m).Organization(t.Context(), "acme")).Service(t.Context(), "api"))
		for _, source := range []secrets.Source{session, api} {
			m.pages, m.bytes = 0, 0
			_, err := source.Environment(t.Context())
			wantError(t, err, planted.reason)
			if m.pages > planted.pages || m.bytes > planted.pages*listedPage*2*row {
				t.Errorf("%s: %T reads %d pages, %d KiB", what, source, m.pages, m.bytes>>10)
			}
		}
	}
}
