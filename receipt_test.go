package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A purging store counts what it is asked to purge; a nonPurging one cannot.
type (
	purging struct {
		storage.Store
		purged int
		err    error
	}
	nonPurging struct{ storage.Store }
)

func (p *purging) Purge(context.Context) error { p.purged++; return p.err }

func (f *fixture) on(t testing.TB, store storage.Store) *secrets.Organization {
	t.Helper()
	return get(t)(f.open(t, store).Organization(t.Context(), "acme"))
}

func wantReceipt(t testing.TB, got, want secrets.Receipt) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(secrets.Receipt{}, "DeletedAt")); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	if got.DeletedAt.IsZero() != (want.ID == "") {
		t.Errorf("deleted at %v", got.DeletedAt)
	}
}

func TestReceiptSaysHowFarADeletionWasConfirmed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "a", "two")
	s, err := f.org.Secret(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := f.org.ConfirmDeletion(t.Context(), "a")
	wantError(t, err, secrets.ErrExists)
	wantReceipt(t, receipt, secrets.Receipt{Organization: "acme", Secret: "a"})
	receipt, err = f.org.ConfirmDeletion(t.Context(), "never")
	wantError(t, err, secrets.ErrNotFound)
	wantReceipt(t, receipt, secrets.Receipt{Organization: "acme", Secret: "never"})

	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	gone := secrets.Receipt{Organization: "acme", Secret: "a", ID: s.ID, Level: secrets.LevelRecords}
	receipt, err = f.on(t, nonPurging{f.store}).ConfirmDeletion(t.Context(), "a")
	if err != nil {
		t.Error(err)
	}
	wantReceipt(t, receipt, gone)

	failing := &purging{Store: f.store, err: fs.ErrPermission}
	receipt, err = f.on(t, failing).ConfirmDeletion(t.Context(), "a")
	wantError(t, err, fs.ErrPermission)
	wantReceipt(t, receipt, gone)

	store := &purging{Store: f.store}
	receipt, err = f.on(t, store).ConfirmDeletion(t.Context(), "a")
	if err != nil || store.purged != 1 {
		t.Errorf("purged %d times, %v", store.purged, err)
	}
	gone.Level = secrets.LevelFiles
	wantReceipt(t, receipt, gone)
	want(t, gone.Level.String(), "files")
}

func TestConfirmDeletionFinishesAndRemovesWhatWasPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "a", "two")
	f.give(t, "aa", "stays")
	old := append(entries(t, f.store, "org/acme/version/a/"), entries(t, f.store, "org/acme/env/api/a")...)
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, old)
	if _, err := f.org.ConfirmDeletion(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, f.store, "org/acme/version/a/"); len(left) > 0 {
		t.Errorf("%d versions left", len(left))
	}
	if left := entries(t, f.store, "org/acme/env/api/"); len(left) != 1 {
		t.Errorf("%d rows left, want that of the other secret", len(left))
	}
	want(t, lookup(t.Context(), f.api, "AA"), "stays")

	f.crowdAndCrash(t)
	if _, err := f.org.ConfirmDeletion(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, f.store, "org/acme/access/b"); len(left) > 0 {
		t.Error("the list of who had access is left")
	}
}

func TestDeletionTakesAllAccessInItsFirstCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowdAndCrash(t)
	if rows := len(entries(t, f.store, "org/acme/env/")); rows == 0 {
		t.Fatalf("%d rows are left, want some", rows)
	}
	for _, name := range append(names("svc", half), "api") {
		want(t, lookup(t.Context(), getService(t)(f.org.Service(t.Context(), name)), "B"), "absent")
	}
	_, err := f.org.RevealSecret(t.Context(), "b")
	wantError(t, err, secrets.ErrNotFound)
}

// half is some grantees more than one commit takes the access of.
const half = 52

// crowdAndCrash leaves the deletion of a secret half done.
func (f *fixture) crowdAndCrash(t *testing.T) {
	t.Helper()
	f.give(t, "b", "one")
	for _, name := range names("svc", half) {
		if _, err := getService(t)(f.org.CreateService(t.Context(), name)).Grant(t.Context(), "b", ""); err != nil {
			t.Fatal(err)
		}
	}
	f.crash(t, 2, func(ctx context.Context, org *secrets.Organization) error { // the read, and the commit of the tombstone
		return org.DeleteSecret(ctx, "b", &secrets.DeleteOptions{Revoke: true})
	})
}

func TestOrganizationIsConfirmedToBeGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	old := entries(t, f.store, "org/acme/")
	_, err := f.client.ConfirmDeletion(t.Context(), "acme")
	wantError(t, err, secrets.ErrExists)
	if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, old)
	store := &purging{Store: f.store}
	receipt, err := f.open(t, store).ConfirmDeletion(t.Context(), "acme")
	if err != nil || store.purged != 1 {
		t.Errorf("purged %d times, %v", store.purged, err)
	}
	wantReceipt(t, receipt, secrets.Receipt{Organization: "acme", Level: secrets.LevelFiles})
	if left := entries(t, f.store, ""); len(left) > 0 {
		t.Errorf("%d records left", len(left))
	}
	_, err = f.client.ConfirmDeletion(t.Context(), "Not a name")
	wantError(t, err, secrets.ErrInvalidName)
}

func TestNoCiphertextOfADeletedSecretIsInTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f := newFixtureOn(t, store)
	f.give(t, "a", "one")
	f.give(t, "a", "two")
	marks := map[string][]byte{} // the end of a record is of a wrap or a ciphertext
	for _, prefix := range []string{"org/acme/secret/a", "org/acme/version/a/", "org/acme/env/api/a"} {
		for _, e := range entries(t, store, prefix) {
			marks[e.Key] = e.Value[len(e.Value)/2 : len(e.Value)/2+24]
		}
	}
	if len(marks) != 3 {
		t.Fatalf("%d records, want 3", len(marks))
	}
	if n := inFiles(t, dir, marks); n != 3 {
		t.Fatalf("%d records are found in the files before the deletion, want 3", n)
	}
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	receipt, err := f.org.ConfirmDeletion(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if n := inFiles(t, dir, marks); n != 0 || receipt.Level != secrets.LevelFiles {
		t.Errorf("level %v, and %d records are in the files", receipt.Level, n)
	}
}

// inFiles counts the marks that are in any file of a directory.
func inFiles(t testing.TB, dir string, marks map[string][]byte) (n int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	for _, mark := range marks {
		if bytes.Contains(all, mark) {
			n++
		}
	}
	return n
}
