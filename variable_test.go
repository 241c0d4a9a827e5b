package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

func TestVariableThatNoGrantStandsBehindIsTakenOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	left := filter(entries(t, f.store, "org/acme/var/"), "org/acme/var/api/A")
	if len(left) != 1 {
		t.Fatal("the variable's record is not where it was expected")
	}
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	restore(t, f.store, left)
	if _, err := f.api.Grant(t.Context(), "b", "A"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "A"), "two")

	_, err := f.api.Grant(t.Context(), "a", "a")
	var taken *secrets.EnvError
	if !errors.As(err, &taken) || taken.Taken != "b" {
		t.Errorf("got %v", err)
	}
}

func TestVariableOfAnotherSecretIsRefusedAlsoIfItsRecordSaysOtherwise(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	// A record that names the secret which asks does not make the two meet: it
	// was the database's writer who put it there, and the app sees it.
	record := filter(entries(t, f.store, "org/acme/var/"), "org/acme/var/api/B")[0]
	record.Key = "org/acme/var/api/A"
	restore(t, f.store, []storage.Entry{record})
	if _, err := f.api.Grant(t.Context(), "b", "A"); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.api, "A"), secrets.ErrTampered.Error())
}

func TestTwoGrantsAtOnceDoNotMeetInOneVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var actors []actor
	for _, name := range []secrets.Name{"x", "y"} {
		if _, err := f.org.CreateSecret(t.Context(), name, text(string(name))); err != nil {
			t.Fatal(err)
		}
		actors = append(actors, actor{name: string(name), do: func(ctx context.Context, p process) error {
			_, err := p.api.Grant(ctx, name, "Shared")
			return err
		}})
	}
	schedules := map[string]schedule{}
	for n := range 12 {
		schedules[fmt.Sprint("x stopped after ", n)] = stopping("x", n)
		schedules[fmt.Sprint("seed ", n)] = atRandom(uint64(n))
	}
	for name, schedule := range schedules {
		synctest.Test(t, func(t *testing.T) {
			c := f.clone(t)
			endings := run(t, c, schedule, actors, func() {})
			winner, loser := endings["x"], endings["y"]
			if winner.err != nil {
				winner, loser = loser, winner
			}
			var taken *secrets.EnvError
			if winner.err != nil || !errors.As(loser.err, &taken) || string(taken.Taken) != winner.actor {
				t.Errorf("%s: %v and %v", name, endings["x"].err, endings["y"].err)
			}
			want(t, lookup(t.Context(), c.api, "Shared"), winner.actor)
		})
	}
}
