package kms_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

// service is a fake KMS with two keys, "first" and "second".
type service struct {
	root     func(t *testing.T, key string) crypto.Root
	stranger func(t *testing.T) crypto.Root // the first key, asked by one who has no right to it
	down     atomic.Bool                    // it answers that it is out of order
	away     func()                         // it does not answer any more
}

const value = "postgres://app@db/main"

// testRoots holds for every KMS. start makes a new one.
func testRoots(t *testing.T, start func(*testing.T) *service) {
	for name, test := range map[string]func(*testing.T, *service){
		"carries the whole flow":         testFlow,
		"another key is a wrong root":    testAnotherKey,
		"a stranger is refused":          testStranger,
		"moved organizations":            testMoved,
		"out of order":                   testDown,
		"away":                           testAway,
		"open handles need no KMS":       testOpenHandles,
		"associated data is enforced":    testAssociatedData,
		"a changed ciphertext is denied": testChanged,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func testFlow(t *testing.T, s *service) {
	store, root := memory.New(), s.root(t, "first")
	_, token := give(t, store, root, "acme")
	wantValue(t, store, root, "acme")
	wantEnvironment(t, store, token)
}

func testAnotherKey(t *testing.T, s *service) {
	store := memory.New()
	give(t, store, s.root(t, "first"), "acme")
	wantRefused(t, store, s.root(t, "second"), "acme", secrets.ErrWrongRoot)

	both := crypto.Roots(s.root(t, "second"), s.root(t, "first")) // the new key, and the old one
	wantValue(t, store, both, "acme")
}

func testStranger(t *testing.T, s *service) {
	store := memory.New()
	give(t, store, s.root(t, "first"), "acme")
	wantRefused(t, store, s.stranger(t), "acme", secrets.ErrWrongRoot)

	_, err := open(t, memory.New(), s.stranger(t)).CreateOrganization(t.Context(), "acme")
	wantError(t, err, crypto.ErrRootUnavailable)
}

func testMoved(t *testing.T, s *service) {
	store, root := memory.New(), s.root(t, "first")
	give(t, store, root, "acme")
	give(t, store, root, "rival")
	swap(t, store, "orgs/acme", "orgs/rival")
	wantRefused(t, store, root, "acme", secrets.ErrWrongRoot)
	wantRefused(t, store, root, "rival", secrets.ErrWrongRoot)

	swap(t, store, "orgs/acme", "orgs/rival")
	wantValue(t, store, root, "acme")
}

func testDown(t *testing.T, s *service) {
	store, root := memory.New(), s.root(t, "first")
	give(t, store, root, "acme")
	s.down.Store(true)
	wantRefused(t, store, root, "acme", crypto.ErrRootUnavailable)

	s.down.Store(false)
	wantValue(t, store, root, "acme")
}

func testAway(t *testing.T, s *service) {
	store, root := memory.New(), s.root(t, "first")
	give(t, store, root, "acme")
	s.away()
	wantRefused(t, store, root, "acme", crypto.ErrRootUnavailable)

	_, err := open(t, store, root).CreateOrganization(t.Context(), "rival")
	wantError(t, err, crypto.ErrRootUnavailable)
}

func testOpenHandles(t *testing.T, s *service) {
	store, root := memory.New(), s.root(t, "first")
	acme, token := give(t, store, root, "acme")
	s.away()
	if _, err := acme.SetSecret(t.Context(), "smtp-password", secrets.Text("correct horse")); err != nil {
		t.Fatal(err)
	}
	got, err := acme.RevealSecret(t.Context(), "database-url")
	if err != nil || got.Reveal() != value {
		t.Errorf("reveal without the KMS: equal = %t, %v", got.Reveal() == value, err)
	}
	wantEnvironment(t, store, token) // an app never asks the KMS
}

// This asks the fake: a test with one that ignores associated data would prove
// nothing about the KMS.
func testAssociatedData(t *testing.T, s *service) {
	root, plaintext := s.root(t, "first"), []byte("keyset")
	wrapped, err := root.Wrap(t.Context(), plaintext, []byte("acme"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := root.Unwrap(t.Context(), wrapped, []byte("acme"))
	if err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("unwrap = %q, %v", got, err)
	}
	for _, other := range []string{"rival", "acm", "acme ", ""} {
		if got, err := root.Unwrap(t.Context(), wrapped, []byte(other)); err == nil {
			t.Errorf("unwrap with associated data %q = %q, want an error", other, got)
		}
	}
}

func testChanged(t *testing.T, s *service) {
	root, acme := s.root(t, "first"), crypto.OrganizationBinding{OrganizationID: crypto.ID{1}, Organization: "acme", Serial: 1}
	wrapped := wrap(t, root, acme)
	for _, at := range []int{0, len(wrapped) / 2, len(wrapped) - 5} {
		changed := bytes.Clone(wrapped)
		changed[at] ^= 1
		_, err := crypto.UnwrapKeyset(t.Context(), root, changed, acme)
		wantError(t, err, crypto.ErrWrongRoot)
	}
}

// give makes an organization, and a service that was granted its one secret.
func give(t *testing.T, store storage.Store, root crypto.Root, name secrets.Name) (*secrets.Organization, secrets.Token) {
	t.Helper()
	organization, token, err := giveTo(t.Context(), open(t, store, root), name)
	if err != nil {
		t.Fatal(err)
	}
	return organization, token
}

func giveTo(ctx context.Context, client *secrets.Client, name secrets.Name) (*secrets.Organization, secrets.Token, error) {
	organization, err := client.CreateOrganization(ctx, name)
	if err != nil {
		return nil, secrets.Token{}, err
	}
	if _, err := organization.CreateSecret(ctx, "database-url", secrets.Text(value)); err != nil {
		return nil, secrets.Token{}, err
	}
	api, err := organization.CreateService(ctx, "api")
	if err != nil {
		return nil, secrets.Token{}, err
	}
	if _, err := api.Grant(ctx, "database-url", ""); err != nil {
		return nil, secrets.Token{}, err
	}
	token, err := api.IssueToken(ctx)
	return organization, token, err
}

// open makes a client that has opened nothing yet, and so has to ask the root.
func open(t *testing.T, store storage.Store, root crypto.Root) *secrets.Client {
	t.Helper()
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func reveal(t *testing.T, store storage.Store, root crypto.Root, name secrets.Name) (secrets.Value, error) {
	t.Helper()
	organization, err := open(t, store, root).Organization(t.Context(), name)
	if err != nil {
		return secrets.Value{}, err
	}
	return organization.RevealSecret(t.Context(), "database-url")
}

func wantValue(t *testing.T, store storage.Store, root crypto.Root, name secrets.Name) {
	t.Helper()
	got, err := reveal(t, store, root, name)
	if err != nil || got.Reveal() != value {
		t.Errorf("%s: equal = %t, %v", name, got.Reveal() == value, err)
	}
}

func wantRefused(t *testing.T, store storage.Store, root crypto.Root, name secrets.Name, want error) {
	t.Helper()
	got, err := reveal(t, store, root, name)
	wantError(t, err, want)
	if got.Len() != 0 {
		t.Errorf("%s: a value beside the error", name)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
}

func wantEnvironment(t *testing.T, store storage.Store, token secrets.Token) {
	t.Helper()
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	environment, err := session.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, ok := environment.Lookup("DATABASE_URL")
	if !ok || got.Reveal() != value {
		t.Errorf("DATABASE_URL: found = %t, equal = %t", ok, got.Reveal() == value)
	}
}

// swap exchanges two records, as one can who writes to the database.
func swap(t *testing.T, store storage.Store, a, b string) {
	t.Helper()
	entries, err := store.Get(t.Context(), a, b)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	batch := storage.Batch{Puts: []storage.Put{{Key: a, Value: entries[1].Value}, {Key: b, Value: entries[0].Value}}}
	if err := store.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// wrap wraps a new keyset for the organization.
func wrap(t *testing.T, root crypto.Root, b crypto.OrganizationBinding) []byte {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := keyset.Wrap(t.Context(), root, b)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}
