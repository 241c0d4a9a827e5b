package secrets_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// varied gives the fixture records of every kind and state: versions of before,
// tombstones of a secret and of a service, tokens, and a service whose key is
// being replaced.
func varied(t *testing.T, f *fixture) {
	t.Helper()
	f.give(t, "a", "one")
	f.give(t, "a", "two")
	f.give(t, "b", "other")
	f.give(t, "gone", "v")
	if err := f.org.DeleteSecret(t.Context(), "gone", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	getService(t)(f.org.CreateService(t.Context(), "gone"))
	if err := f.org.DeleteService(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	f.tokens = []secrets.Token{f.token(t), f.token(t), f.token(t)}
	for i, commits := range []int{1, 3} { // then the service has a next key, and a previous one
		name := names("svc", 2)[i]
		service := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := service.Grant(t.Context(), "b", ""); err != nil {
			t.Fatal(err)
		}
		token, err := service.IssueToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stopped := get(t)(f.open(t, crashing(f.store, commits)).Organization(t.Context(), "acme"))
		_ = getService(t)(stopped.Service(t.Context(), name)).RevokeToken(t.Context(), token.ID())
	}
	f.keys = keyIDs(t, f.org)
}

// wantRotated fails the test unless the organization has another key than it
// had, nothing in the store names one of those, and everything opens.
func wantRotated(t *testing.T, f *fixture, org *secrets.Organization) {
	t.Helper()
	infos := usage(t, org)
	if len(infos) != 1 || !infos[0].Primary || infos[0].ID == f.keys[0] || infos[0].Records == 0 {
		t.Errorf("keys %+v, and before %v", infos, f.keys)
	}
	wantUnnamed(t, f.store, f.keys...)
	wantOpen(t, org)
}

// wantUnnamed looks through all that is stored for the bytes with which begins
// what was made under a key: as Tink has them, not as the engine reads them.
func wantUnnamed(t *testing.T, store storage.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		id, err := hex.DecodeString(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range everything(t, store) {
			if bytes.Contains(e.Value, append([]byte{1}, id...)) {
				t.Errorf("%s is under the key that was to go", e.Key)
			}
		}
	}
}

// everything returns all that is stored, however much it is.
func everything(t testing.TB, store storage.Store) (all []storage.Entry) {
	t.Helper()
	after := ""
	for {
		page, err := store.List(t.Context(), "", after, storage.MaxList)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < storage.MaxList {
			return all
		}
		after = page[len(page)-1].Key
	}
}

// wantOpen fails the test if anything of the organization does not open.
func wantOpen(t *testing.T, org *secrets.Organization) {
	t.Helper()
	ctx := t.Context()
	for s, err := range org.Secrets(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := org.Usage(ctx, s.Name); err != nil {
			t.Error(err)
		}
		versions, err := org.Versions(ctx, s.Name)
		if err != nil {
			t.Error(err)
		}
		for _, v := range versions {
			if _, err := org.RevealVersion(ctx, s.Name, v.Version); err != nil {
				t.Error(err)
			}
		}
	}
	for s, err := range org.Services(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		service := getService(t)(org.Service(ctx, s.Name))
		if _, err := service.Tokens(ctx); err != nil {
			t.Error(err)
		}
		if _, err := service.Environment(ctx); err != nil {
			t.Error(err)
		}
	}
}

// stopBeforeRetiring rotates the key up to the commit that drops the old one.
func (f *fixture) stopBeforeRetiring(t *testing.T) {
	t.Helper()
	for commits := 1; ; commits++ {
		c := f.clone(t)
		p := c.elsewhere(t, crashing(c.store, commits))
		if p.org.RotateKey(t.Context(), nil) == nil {
			p = f.elsewhere(t, crashing(f.store, commits-1))
			wantError(t, p.org.RotateKey(t.Context(), nil), secrets.ErrUnknownOutcome)
			return
		}
	}
}

func TestRotationReplacesTheKeyOfEveryRecordAndAppsNoticeNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	session := f.connect(t, f.tokens[0])
	rows := entries(t, f.store, "org/acme/env/")
	store := &hooked{Store: f.store}
	store.before = func(...string) error {
		want(t, lookup(t.Context(), session, "A"), "two")
		return nil
	}
	if err := f.elsewhere(t, store).org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantRotated(t, f, f.org)
	unchangedEntries(t, rows, entries(t, f.store, "org/acme/env/"))
	want(t, lookup(t.Context(), f.connect(t, f.tokens[1]), "A"), "two")
	v, err := f.org.RevealVersion(t.Context(), "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, reveal(v), "one")
	for i := range f.tokens[:2] { // the tokens' own keys open: the last one goes on
		if err := f.api.RevokeToken(t.Context(), f.tokens[i].ID()); err != nil {
			t.Error(err)
		}
	}
	set(t, f.org, "a", "three")
	want(t, lookup(t.Context(), f.connect(t, f.tokens[2]), "A"), "three")
}

func unchangedEntries(t *testing.T, before, after []storage.Entry) {
	t.Helper()
	if len(before) == 0 || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%d records were, or are, others: %d", len(before), len(after))
	}
}

func TestASecretsCiphertextStaysAsItIsInARotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", strings.Repeat("x", 1000))
	before := stored(t, f.store, "org/acme/secret/a").Value
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	after := stored(t, f.store, "org/acme/secret/a").Value
	if len(before) != len(after) {
		t.Errorf("%d bytes, and %d before", len(after), len(before))
	}
	const sealed = 1000 // of the ciphertext, somewhere between tag and wrap
	if i := commonRun(before, after); i < sealed {
		t.Errorf("no more than %d bytes are as they were", i)
	}
}

// commonRun returns the length of the longest run of bytes that are the same in
// both, at the same place.
func commonRun(a, b []byte) (longest int) {
	run := 0
	for i := range min(len(a), len(b)) {
		if run++; a[i] != b[i] {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

func TestARotationThatStoppedIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	stopped := 0
	for commits := 1; ; commits++ {
		c := f.clone(t)
		p := c.elsewhere(t, crashing(c.store, commits))
		if p.org.RotateKey(t.Context(), nil) == nil {
			break
		}
		stopped++
		infos := usage(t, c.org)
		if len(infos) != 2 || infos[0].ID != f.keys[0] || infos[0].Primary || !infos[1].Primary {
			t.Fatalf("stopped after %d commits: keys %+v", commits, infos)
		}
		wantOpen(t, c.org)
		if err := c.org.RotateKey(t.Context(), nil); err != nil {
			t.Errorf("stopped after %d commits: %v", commits, err)
		}
		wantRotated(t, c, c.org)
		if now := keyIDs(t, c.org); now[0] != infos[1].ID {
			t.Errorf("stopped after %d commits: another key was made", commits)
		}
	}
	if stopped < 5 {
		t.Errorf("it was stopped %d times", stopped)
	}
}

func TestASecondRotationReplacesTheKeyOfTheFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	for range 3 {
		if err := f.org.RotateKey(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		wantRotated(t, f, f.org)
		f.keys = append(keyIDs(t, f.org), f.keys...)
	}
}

func TestRecordsThatDoNotOpenKeepTheOldKeyUntilTheyAreGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	damage(t, f.store, "org/acme/secret/a")
	for range 2 {
		err := f.org.RotateKey(t.Context(), nil)
		wantError(t, err, secrets.ErrTampered)
		if !strings.Contains(err.Error(), "secret/a:") {
			t.Errorf("it does not name the record: %v", err)
		}
		infos := usage(t, f.org)
		if len(infos) != 2 || infos[0].ID != f.keys[0] || infos[0].Records != 1 {
			t.Errorf("keys %+v", infos)
		}
	}
	want(t, lookup(t.Context(), getService(t)(f.org.Service(t.Context(), "svc-0000")), "B"), "other") // the rest is done
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantRotated(t, f, f.org)
}

// A key goes only after a last look, since nothing brings it back.
func TestARecordThatIsPutBackBehindTheRotationIsDoneOnceMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	for _, key := range []string{"access/a", "secret/a", "service/api", "serial/api", "version/a/0000000000000001"} {
		c := f.clone(t)
		before := stored(t, c.store, "org/acme/"+key)
		store := &hooked{Store: c.store}
		store.commit = func(ctx context.Context, b storage.Batch) error {
			err := c.store.Commit(ctx, b)
			if slices.ContainsFunc(b.Puts, func(p storage.Put) bool { return p.Key == before.Key }) {
				store.commit = nil
				restore(t, c.store, []storage.Entry{before})
			}
			return err
		}
		if err := c.elsewhere(t, store).org.RotateKey(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		wantRotated(t, c, c.org)
	}
}

// Records that nobody reads are in nobody's way.
func TestWhatSomebodyElseHasPutThereDoesNotKeepTheOldKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.keys = keyIDs(t, f.org)
	value := []byte("planted")
	for _, key := range []string{"secret/Upper", "secret/a/b", "token/api", "token/api/x/y", "version/a", "other/a", "access/-"} {
		restore(t, f.store, []storage.Entry{{Key: "org/acme/" + key, Value: value}})
	}
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if infos := usage(t, f.org); len(infos) != 1 {
		t.Errorf("keys %+v", infos)
	}
}

func TestRecordsOfBeforeARotationDoNotOpenAfterIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	before := everything(t, f.store)
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, e := range before {
		switch kind := strings.Split(e.Key, "/"); {
		case kind[0] == "orgs", kind[2] == "env", kind[2] == "var", kind[len(kind)-1] == "gone":
			continue
		}
		c := copied(t, f.store)
		restore(t, c, []storage.Entry{e})
		org := get(t)(f.open(t, c).Organization(t.Context(), "acme"))
		wantError(t, org.RotateKey(t.Context(), nil), secrets.ErrTampered)
	}
}

// The organization's record alone, as it was before: whoever knows the newer one
// does not go back to a key that was retired.
func TestAnOrganizationsRecordOfBeforeIsRefusedByThoseWhoSawTheNewer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	before := stored(t, f.store, "orgs/acme")
	if err := f.org.RotateKey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, []storage.Entry{before})
	_, err := f.org.CreateSecret(t.Context(), "b", text("two"))
	wantError(t, err, secrets.ErrTampered)
	fresh := get(t)(f.open(t, f.store).Organization(t.Context(), "acme"))
	wantError(t, failure(fresh.Secret(t.Context(), "a")), secrets.ErrTampered) // nor do others read anything
}
