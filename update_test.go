package secrets_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// clocked returns a fixture whose administrator's clock stands still until it
// is moved.
func clocked(t *testing.T) (f *fixture, clock *time.Time) {
	t.Helper()
	clock = new(time.Time)
	*clock = time.Date(2026, 11, 23, 10, 0, 0, 123_456_789, time.FixedZone("", 3600))
	f = newFixture(t)
	var err error
	f.client, err = secrets.Open(f.store, f.root, &secrets.Options{Now: func() time.Time { return *clock }})
	if err != nil {
		t.Fatal(err)
	}
	f.org = get(t)(f.client.Organization(t.Context(), "acme"))
	f.api = getService(t)(f.org.Service(t.Context(), "api"))
	return f, clock
}

// unchanged fails the test if do changes anything that is stored.
func unchanged(t *testing.T, f *fixture, do func()) {
	t.Helper()
	before := entries(t, f.store, "")
	do()
	if diff := cmp.Diff(before, entries(t, f.store, "")); diff != "" {
		t.Errorf("the store has changed (-before +after):\n%s", diff)
	}
}

func made(t *testing.T) func(secrets.Secret, error) secrets.Secret {
	return func(s secrets.Secret, err error) secrets.Secret {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestUpdateHoldsToItsConditions is not parallel: it captures what is printed.
func TestUpdateHoldsToItsConditions(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	other := made(t)(f.org.CreateSecret(t.Context(), "b", text("other")))
	current := made(t)(f.org.UpdateSecret(t.Context(), "a", text(canary+"2"), nil))
	for what, bad := range map[string]secrets.UpdateOptions{
		"older version":           {IfVersion: 1},
		"newer version":           {IfVersion: 3},
		"largest version":         {IfVersion: 1<<64 - 1},
		"another secret's id":     {IfID: other.ID},
		"no id":                   {IfID: "x"},
		"id in upper case":        {IfID: strings.ToUpper(current.ID) + "F"},
		"right version, wrong id": {IfID: other.ID, IfVersion: 2},
		"right id, wrong version": {IfID: current.ID, IfVersion: 1},
		"neither is right":        {IfID: other.ID, IfVersion: 1},
	} {
		t.Run(what, func(t *testing.T) {
			at := secrets.Error{Op: "update secret", Organization: "acme", Secret: "a"}
			wantRefused(t, f, secrets.ErrConflict, []call{{at: at, do: func(ctx context.Context) error {
				return failure(f.org.UpdateSecret(ctx, "a", text(canary+"3"), &bad))
			}}})
		})
	}
	for i, good := range []secrets.UpdateOptions{
		{}, {IfID: current.ID}, {IfVersion: 4}, {IfID: current.ID, IfVersion: 5},
	} {
		value := text(strings.Repeat("x", i+1))
		s := made(t)(f.org.UpdateSecret(t.Context(), "a", value, &good))
		if s.Version != uint64(3+i) || s.ID != current.ID {
			t.Errorf("%+v: %+v", good, s)
		}
		want(t, lookup(t.Context(), f.api, "A"), reveal(value))
	}
}

// TestDeleteHoldsToItsCondition is not parallel: it captures what is printed.
func TestDeleteHoldsToItsCondition(t *testing.T) {
	f := newFixture(t)
	old := made(t)(f.org.CreateSecret(t.Context(), "a", text(canary)))
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{IfID: old.ID}); err != nil {
		t.Fatal(err)
	}
	f.give(t, "a", canary)
	deleteSecret := secrets.Error{Op: "delete secret", Organization: "acme", Secret: "a"}
	deleteOrganization := secrets.Error{Op: "delete organization", Organization: "acme"}
	for _, id := range []string{old.ID, "x"} {
		for _, revoke := range []bool{false, true} {
			opts := &secrets.DeleteOptions{IfID: id, Revoke: revoke}
			wantRefused(t, f, secrets.ErrConflict, []call{
				{at: deleteSecret, do: func(ctx context.Context) error { return f.org.DeleteSecret(ctx, "a", opts) }},
				{at: deleteOrganization, do: func(ctx context.Context) error { return f.client.DeleteOrganization(ctx, "acme", opts) }},
			})
		}
	}
	now := made(t)(f.org.Secret(t.Context(), "a"))
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{IfID: now.ID, Revoke: true}); err != nil {
		t.Error(err)
	}
	for o, err := range f.client.Organizations(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{IfID: o.ID, Revoke: true}); err != nil {
			t.Error(err)
		}
	}
	if left := entries(t, f.store, ""); len(left) != 0 {
		t.Errorf("%d records left", len(left))
	}
}

func TestSetWithAnEqualValueChangesNothing(t *testing.T) {
	t.Parallel()
	f, clock := clocked(t)
	f.give(t, "a", "one")
	before := made(t)(f.org.Secret(t.Context(), "a"))
	*clock = clock.Add(time.Hour)
	unchanged(t, f, func() {
		for range 2 {
			again := made(t)(f.org.SetSecret(t.Context(), "a", secrets.Bytes(text("one").RevealBytes())))
			if diff := cmp.Diff(before, again); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		}
	})
	// An update is one with an equal value too: it is what was asked for.
	after := made(t)(f.org.UpdateSecret(t.Context(), "a", text("one"), nil))
	if after.Version != 2 || !after.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("update: %+v", after)
	}
	if s := made(t)(f.org.SetSecret(t.Context(), "a", text("two"))); s.Version != 3 || s.ID != before.ID {
		t.Errorf("set: %+v", s)
	}
	want(t, lookup(t.Context(), f.api, "A"), "two")
}

func TestVersionsGoOnAndIDsAreNeverReused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ids := map[string]bool{}
	version := uint64(0)
	for round := range 6 {
		create := f.org.CreateSecret
		if round%2 == 1 {
			create = f.org.SetSecret
		}
		s := made(t)(create(t.Context(), "a", text("one")))
		if ids[s.ID] || len(s.ID) != 32 {
			t.Errorf("id %q, after %v", s.ID, ids)
		}
		ids[s.ID] = true
		for _, next := range []secrets.Secret{s, made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))} {
			if version++; next.Version != version || next.ID != s.ID {
				t.Errorf("%+v, want version %d", next, version)
			}
		}
		if diff := cmp.Diff(made(t)(f.org.Secret(t.Context(), "a")).Version, version); diff != "" {
			t.Error(diff)
		}
		if err := f.org.DeleteSecret(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTimesAreThoseOfTheClock(t *testing.T) {
	t.Parallel()
	f, clock := clocked(t)
	tick := func() time.Time {
		*clock = clock.Add(time.Hour)
		return clock.UTC().Truncate(time.Millisecond)
	}
	wantTimes := func(created, updated time.Time) {
		t.Helper()
		s := made(t)(f.org.Secret(t.Context(), "a"))
		if diff := cmp.Diff([]time.Time{created, updated}, []time.Time{s.CreatedAt, s.UpdatedAt}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	must := func(_ secrets.Grant, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	created := tick()
	returned := made(t)(f.org.CreateSecret(t.Context(), "a", text("one")))
	wantTimes(created, created)
	want(t, returned.CreatedAt.Location().String()+returned.UpdatedAt.String(), "UTC"+created.String())

	granted := tick()
	must(f.api.Grant(t.Context(), "a", ""))
	tick()
	must(f.api.Grant(t.Context(), "a", "ELSEWHERE"))
	wantTimes(created, created) // the value is the same
	grants, err := f.org.Usage(t.Context(), "a")
	if diff := cmp.Diff([]secrets.Grant{{Service: "api", Secret: "a", Env: "ELSEWHERE", CreatedAt: granted}}, grants); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	updated := tick()
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("two"), nil))
	wantTimes(created, updated)
	tick()
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantTimes(created, updated)
	if err := f.org.DeleteSecret(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	again := tick()
	made(t)(f.org.SetSecret(t.Context(), "a", text("three")))
	wantTimes(again, again)
}

func TestCreationTimesOfTheRestAreThoseOfTheClock(t *testing.T) {
	t.Parallel()
	f, clock := clocked(t)
	*clock = clock.Add(time.Hour)
	org := get(t)(f.client.CreateOrganization(t.Context(), "timed"))
	service := getService(t)(org.CreateService(t.Context(), "timed"))
	first, err := service.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	*clock = clock.Add(time.Hour)
	second, err := service.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := clock.UTC().Truncate(time.Millisecond)
	listed := []time.Time{}
	for o, err := range f.client.Organizations(t.Context(), &secrets.ListOptions{Prefix: "timed"}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, o.CreatedAt)
	}
	for s, err := range org.Services(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, s.CreatedAt)
	}
	if diff := cmp.Diff([]time.Time{now.Add(-time.Hour), now.Add(-time.Hour)}, listed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tokens, err := service.Tokens(t.Context())
	expected := []secrets.TokenInfo{{ID: first.ID(), CreatedAt: now.Add(-time.Hour)}, {ID: second.ID(), CreatedAt: now}}
	if diff := cmp.Diff(expected, tokens); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
