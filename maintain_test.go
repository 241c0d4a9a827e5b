package secrets_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// findings returns what Verify finds, sorted.
func findings(t testing.TB, client *secrets.Client) []string {
	t.Helper()
	report, err := client.Verify(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range report.Findings {
		sweepError(t, fmt.Errorf("%s %s", f.Key, f.Reason))
		all = append(all, f.Key)
	}
	slices.Sort(all)
	return all
}

func sweep(t testing.TB, client *secrets.Client) secrets.SweepReport {
	t.Helper()
	report, err := client.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Every operation is ended by a crash at every one of its calls. What that leaves
// is no finding, Sweep finishes it, and after that nothing is left to do.
func TestSweepFinishesWhatACrashHasLeft(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if op.name == "create organization" || op.crowd && brief() {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if op.prepare != nil {
				op.prepare(t, f)
			}
			at := 1
			for more := true; more && at < maxCalls; at++ {
				synctest.Test(t, func(t *testing.T) { more = crashAndSweep(t, f.clone(t), op, at) })
			}
		})
	}
}

func crashAndSweep(t *testing.T, f *fixture, op operation, at int) bool {
	t.Helper()
	store := storagetest.NewFaulty(f.store, storagetest.CrashAfter)
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	err := op.do(store.Fail(t.Context(), at), t, f, org, client)
	if err == nil {
		return false
	}
	fresh := f.open(t, f.store)
	for name, err := range fresh.Organizations(t.Context(), nil) {
		if err != nil {
			t.Errorf("crash at call %d: %v", at, err)
		}
		if found, err := fresh.Verify(t.Context(), name.Name); err != nil || len(found.Findings) > 0 {
			t.Errorf("crash at call %d: before Sweep %v, %v", at, found.Findings, err)
		}
	}
	first := sweep(t, fresh)
	if again := sweep(t, f.open(t, f.store)); again != (secrets.SweepReport{}) {
		t.Errorf("crash at call %d: Sweep did %+v, and then %+v", at, first, again)
	}
	if _, err := fresh.Organization(t.Context(), "acme"); err == nil {
		if left := findings(t, fresh); len(left) > 0 {
			t.Errorf("crash at call %d: after Sweep %v", at, left)
		}
	} else if left := entries(t, f.store, ""); len(left) > 0 {
		t.Errorf("crash at call %d: %d records left of the organization", at, len(left))
	}
	return !t.Failed()
}

func TestSweepCountsWhatItDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		if _, err := f.api.IssueTokenUntil(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		halfDone(t, f)
		f.crash(t, 4, func(ctx context.Context, org *secrets.Organization) error { return org.RotateKey(ctx, nil) })
		time.Sleep(time.Hour)

		want := secrets.SweepReport{Services: 1, Secrets: 1, ServiceKeys: 1, Tokens: 1, Keys: 1}
		if diff := cmp.Diff(want, sweep(t, f.client)); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		if again := sweep(t, f.client); again != (secrets.SweepReport{}) {
			t.Errorf("again: %+v", again)
		}
		if tokens, err := f.api.Tokens(t.Context()); err != nil || len(tokens) != 0 {
			t.Errorf("tokens %v, %v", tokens, err)
		}
	})
}

// halfDone leaves the deletions of a secret and of a service, and the replacement
// of a service's key.
func halfDone(t *testing.T, f *fixture) {
	t.Helper()
	f.give(t, "a", "one")
	token := f.token(t)
	f.give(t, "b", "one")
	grant := append(entries(t, f.store, "org/acme/access/b"), entries(t, f.store, "org/acme/env/api/b")...)
	if err := f.org.DeleteSecret(t.Context(), "b", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, grant) // as a deletion leaves what its first commit does not hold
	getService(t)(f.org.CreateService(t.Context(), "gone"))
	f.crash(t, 3, func(ctx context.Context, org *secrets.Organization) error { return org.DeleteService(ctx, "gone") })
	f.crash(t, 4, func(ctx context.Context, org *secrets.Organization) error {
		return service(ctx, org, "api", func(s *secrets.Service) error { return s.RevokeToken(ctx, token.ID()) })
	})
}

// crash ends an operation with a crash after its n-th call.
func (f *fixture) crash(t testing.TB, n int, do func(context.Context, *secrets.Organization) error) {
	t.Helper()
	store := storagetest.NewFaulty(f.store, storagetest.CrashAfter)
	org := f.on(t, store)
	if err := do(store.Fail(t.Context(), n), org); err == nil {
		t.Fatal("no error")
	}
}

func TestSweepGoesOnPastWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowdAndCrash(t)
	other, err := secrets.Open(f.store, newRoot(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	acme := entries(t, f.store, "orgs/acme")
	remove(t, f.store, "orgs/acme")
	get(t)(other.CreateOrganization(t.Context(), "aaaa")) // with another root
	restore(t, f.store, acme)
	restore(t, f.store, []storage.Entry{
		{Key: "org/acme/service/damaged", Value: []byte("x")}, {Key: "org/acme/secret/a-damaged", Value: []byte("x")},
		{Key: "org/acme/secret/Not a name", Value: []byte("x")}, {Key: "org/acme/service/Not a name", Value: []byte("x")},
		{Key: "orgs/Not a name", Value: []byte("x")}, {Key: "orgs/damaged", Value: []byte("x")},
	})
	report, err := f.open(t, f.store).Sweep(t.Context())
	wantError(t, err, secrets.ErrWrongRoot)
	wantError(t, err, secrets.ErrTampered)
	if report != (secrets.SweepReport{Secrets: 1}) {
		t.Errorf("report %+v", report)
	}
}

func TestVerifyFindsNothingInAWorldThatWasNotChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report, err := w.client.Verify(t.Context(), "acme")
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("%v, %v", report.Findings, err)
	}
	if want := 1 + len(entries(t, w.store, "org/acme/")); report.Records != want {
		t.Errorf("%d records, want %d", report.Records, want)
	}
	_, err = w.client.Verify(t.Context(), "absent")
	wantError(t, err, secrets.ErrNotFound)
	_, err = w.client.Verify(t.Context(), "Not a name")
	wantError(t, err, secrets.ErrInvalidName)
}

// Each record is damaged, removed, and replaced by another of its kind. Every
// time Verify has a finding, and none once it is as it was. A variable's record
// has no tag: of it Verify sees that it holds nothing.
func TestVerifyFindsEveryRecordThatIsNotAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	others := map[string]storage.Entry{}
	for _, e := range entries(t, w.store, "org/") {
		others[e.Key] = e
	}
	for _, e := range entries(t, w.store, "org/acme/") {
		flipped := slices.Clone(e.Value)
		flipped[len(flipped)-1] ^= 1
		values := map[string][]byte{"damaged": flipped, "cut off": e.Value[:len(e.Value)/2], "nothing": []byte("x")}
		for key, other := range others {
			if !bytes.Equal(other.Value, e.Value) && strings.Split(key, "/")[2] == strings.Split(e.Key, "/")[2] && len(values) < 5 {
				values[key] = other.Value
			}
		}
		for what, value := range values {
			restore(t, w.store, []storage.Entry{{Key: e.Key, Value: value}})
			if found := findings(t, w.open(t, w.store)); len(found) == 0 {
				t.Errorf("%s: %s, and no finding", e.Key, what)
			}
			restore(t, w.store, []storage.Entry{e})
		}
	}
	if found := findings(t, w.open(t, w.store)); len(found) > 0 {
		t.Errorf("all is as it was, and %v are found", found)
	}
}

func TestVerifyFindsWhatBelongsToNothingAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "a", "two")
	token := f.token(t)
	var planted []string
	for _, copied := range [][2]string{
		{"org/acme/env/api/a", "org/acme/env/web/a"}, {"org/acme/var/api/A", "org/acme/var/api/B"},
		{"org/acme/token/api/" + token.ID(), "org/acme/token/api/0123456789abcdef0123456789abcdef"},
		{"org/acme/token/api/" + token.ID(), "org/acme/token/web/" + token.ID()},
		{"org/acme/version/a/0000000000000001", "org/acme/version/a/0000000000000009"},
		{"org/acme/version/a/0000000000000001", "org/acme/version/b/0000000000000001"},
		{"org/acme/access/a", "org/acme/access/b"}, {"org/acme/secret/a", "org/acme/other/a"},
		{"org/acme/secret/a", "org/acme/secret/Not a name"}, {"org/acme/secret/a", "org/acme/secret"},
		{"org/acme/env/api/a", "org/acme/env/api/a/b"}, {"org/acme/env/api/a", "org/acme/env/api/Not a name"},
	} {
		restore(t, f.store, []storage.Entry{{Key: copied[1], Value: entries(t, f.store, copied[0])[0].Value}})
		planted = append(planted, copied[1])
	}
	slices.Sort(planted)
	if diff := cmp.Diff(planted, findings(t, f.client)); diff != "" {
		t.Errorf("planted (-want +got):\n%s", diff)
	}
	for _, key := range planted {
		remove(t, f.store, key)
	}
	for _, key := range []string{"org/acme/env/api/a", "org/acme/version/a/0000000000000001", "org/acme/token/api/" + token.ID()} {
		was := entries(t, f.store, key)
		remove(t, f.store, key)
		if diff := cmp.Diff([]string{key}, findings(t, f.client)); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		restore(t, f.store, was)
	}
}
