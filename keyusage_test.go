package secrets_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// keyIDs returns the ids of an organization's keys.
func keyIDs(t testing.TB, org *secrets.Organization) []string {
	t.Helper()
	var ids []string
	for _, info := range usage(t, org) {
		ids = append(ids, info.ID)
	}
	return ids
}

func usage(t testing.TB, org *secrets.Organization) []secrets.KeyInfo {
	t.Helper()
	infos, err := org.KeyUsage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

func TestAKeyThatIsNeededIsNotRetired(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	for id, reason := range map[string]error{
		f.keys[0]: secrets.ErrInUse, "": secrets.ErrNotFound, "0": secrets.ErrNotFound,
		strings.ToUpper("abcdefab"): secrets.ErrNotFound, "planted-3c81f0d2b7-": secrets.ErrNotFound,
	} {
		wantError(t, f.org.RetireKey(t.Context(), id), reason)
	}
	stopped := 0
	for commits := 1; ; commits++ { // one kind after the other is done
		c := f.clone(t)
		p := c.elsewhere(t, crashing(c.store, commits))
		if p.org.RotateKey(t.Context(), nil) == nil {
			break
		}
		infos := usage(t, c.org)
		if err := c.org.RetireKey(t.Context(), f.keys[0]); infos[0].Records > 0 {
			wantError(t, err, secrets.ErrInUse)
		} else if err != nil {
			t.Error(err)
		}
		wantError(t, c.org.RetireKey(t.Context(), infos[1].ID), secrets.ErrInUse)
		wantOpen(t, c.org)
		stopped++
	}
	if stopped < 5 {
		t.Errorf("it was stopped %d times", stopped)
	}
}

func TestARetiredKeyGivesUpWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	damage(t, f.store, "org/acme/secret/a")
	wantError(t, f.org.RotateKey(t.Context(), nil), secrets.ErrTampered)
	if err := f.org.RetireKey(t.Context(), f.keys[0]); err != nil {
		t.Fatal(err)
	}
	if infos := usage(t, f.org); len(infos) != 1 || infos[0].ID == f.keys[0] {
		t.Errorf("keys %+v", infos)
	}
	wantError(t, f.org.RetireKey(t.Context(), f.keys[0]), secrets.ErrNotFound)
	wantError(t, failure(f.org.RevealSecret(t.Context(), "a")), secrets.ErrTampered)
}

func TestKeyUsageCountsTheRecordsOfEachKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	varied(t, f)
	sealed := 0
	for _, e := range everything(t, f.store) {
		if kind := strings.Split(e.Key, "/"); kind[0] == "org" && kind[2] != "env" && kind[2] != "var" {
			sealed++
		}
	}
	infos := usage(t, f.org)
	if len(infos) != 1 || infos[0].Records != sealed || !infos[0].Primary {
		t.Errorf("keys %+v, of %d records", infos, sealed)
	}
	f.stopBeforeRetiring(t)
	infos = usage(t, f.org)
	if len(infos) != 2 || infos[0].Records != 0 || infos[1].Records != sealed {
		t.Errorf("keys %+v, of %d records", infos, sealed)
	}
}
