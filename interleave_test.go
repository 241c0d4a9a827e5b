package secrets_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// An actor does one operation through a client of its own, as another process
// would.
type actor struct {
	name  string
	do    func(ctx context.Context, p process) error
	ready bool                   // it has its handles before anybody's first turn
	life  int                    // calls after which its process ends; 0 is never
	next  *atomic.Pointer[touch] // what its next call touches; nil: not known
}

// opening is how many calls it takes to have an actor's handles.
const opening = 2

// A process has a store, and handles, of its own.
type process struct {
	store storage.Store
	org   *secrets.Organization
	api   *secrets.Service
}

// A schedule says which of the actors that still run takes the next turn.
type schedule func(running []string) string

// atRandom draws every turn.
func atRandom(seed uint64) schedule {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(running []string) string { return running[random.IntN(len(running))] }
}

// stopping gives actor its first turns, then none until all others have ended.
func stopping(actor string, turns int) schedule {
	return func(running []string) string {
		i := slices.Index(running, actor)
		if i < 0 || turns == 0 && len(running) > 1 {
			return running[(i+1)%len(running)]
		}
		turns = max(0, turns-1)
		return actor
	}
}

// An ending is how an actor ended, and after how many turns.
type ending struct {
	actor string
	turns int
	err   error
}

// run lets the actors take turns call by call, and calls always after each
// turn.
func run(t *testing.T, f *fixture, next schedule, actors []actor, always func()) map[string]ending {
	t.Helper()
	done := make(chan ending, len(actors))
	turns := map[string]chan struct{}{}
	taken := map[string]int{}
	var running []string
	for _, a := range actors {
		store := &stepped{Store: f.store, turn: make(chan struct{}), life: cmp.Or(a.life, -1), next: cmp.Or(a.next, new(atomic.Pointer[touch]))}
		if a.ready {
			store.free = opening
		}
		turns[a.name], running = store.turn, append(running, a.name)
		go func() { done <- ending{actor: a.name, err: a.run(t.Context(), store, f.root)} }()
	}
	endings := map[string]ending{}
	end := func(e ending) {
		e.turns = taken[e.actor]
		endings[e.actor] = e
		running = slices.DeleteFunc(running, func(name string) bool { return name == e.actor })
	}
	for len(running) > 0 {
		synctest.Wait()
		select {
		case e := <-done:
			end(e)
			continue
		default:
		}
		actor := next(running)
		select {
		case turns[actor] <- struct{}{}:
			taken[actor]++
		case e := <-done: // while it was waited for
			end(e)
		}
		synctest.Wait()
		always()
	}
	return endings
}

func (a actor) run(ctx context.Context, store storage.Store, root crypto.Root) error {
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return err
	}
	org, err := client.Organization(ctx, "acme")
	if err != nil {
		return err
	}
	api, err := org.Service(ctx, "api")
	if err != nil {
		return err
	}
	return a.do(ctx, process{store, org, api})
}

// The actors of the scenes below.
var (
	updater = actor{name: "update", do: func(ctx context.Context, p process) error {
		_, err := p.org.UpdateSecret(ctx, "a", text("two"), nil)
		return err
	}}
	updaterTwice = actor{name: "update twice", do: func(ctx context.Context, p process) error {
		if _, err := p.org.UpdateSecret(ctx, "a", text("two"), nil); err != nil {
			return err
		}
		_, err := p.org.UpdateSecret(ctx, "a", text("two"), nil)
		return err
	}}
	setter = actor{name: "update again", do: func(ctx context.Context, p process) error {
		_, err := p.org.UpdateSecret(ctx, "a", text("three"), nil)
		return err
	}}
	revoker = actor{name: "revoke", do: func(ctx context.Context, p process) error {
		return p.api.Revoke(ctx, "a")
	}}
	granter = actor{name: "grant", do: func(ctx context.Context, p process) error {
		_, err := p.api.Grant(ctx, "a", "")
		return err
	}}
	remover = actor{name: "delete", do: func(ctx context.Context, p process) error {
		return p.org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
	}}
	creator = actor{name: "create again", do: func(ctx context.Context, p process) error {
		if _, err := p.org.CreateSecret(ctx, "a", text("new")); err != nil {
			return err
		}
		_, err := p.api.Grant(ctx, "a", "")
		return err
	}}
	another = actor{name: "grant another", do: func(ctx context.Context, p process) error {
		return failure(p.api.Grant(ctx, "c", ""))
	}}
)

// taker deletes the secret as well, and then takes its variable for another, in
// a service whose rows do not go with the deletion's first batch.
var taker = actor{name: "take the variable", do: func(ctx context.Context, p process) error {
	if err := p.org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true}); err != nil && !errors.Is(err, secrets.ErrNotFound) {
		return err
	}
	service, err := p.org.Service(ctx, last)
	if err == nil {
		_, err = service.Grant(ctx, "b", "A")
	}
	return err
}}

// last is the last service of a crowd.
var last = names("svc", crowd)[crowd-1]

// issuer issues a token, with which an app then reads all that there is.
func issuer(f *fixture) actor {
	return actor{name: "issue", do: func(ctx context.Context, p process) error {
		token, err := p.api.IssueToken(ctx)
		if err != nil {
			return err
		}
		session, err := secrets.Connect(ctx, f.store, token)
		if err != nil {
			return err
		}
		f.late = append(f.late, session)
		return granted(ctx, session)
	}}
}

// reader is an app that reads while others write.
func reader(f *fixture) actor {
	return actor{name: "read", do: func(ctx context.Context, p process) error {
		session, err := secrets.Connect(ctx, p.store, f.tokens[2])
		for n := 0; n < 3 && err == nil; n++ {
			err = granted(ctx, session)
		}
		return err
	}}
}

// granted returns an error if an app that may read the secret b, and a while it
// is granted, reads anything else.
func granted(ctx context.Context, session *secrets.Session) error {
	a, b := lookup(ctx, session, "A"), lookup(ctx, session, "B")
	if !slices.Contains([]string{"one", "two", "three", "new", "absent"}, a) || b != "other" {
		return fmt.Errorf("the granted app reads %q and %q", a, b)
	}
	return nil
}

// rotator replaces the organization's key; two of them share the work.
func rotator(i int) func(*fixture) actor {
	return func(*fixture) actor {
		return actor{name: fmt.Sprint("rotate ", i), do: func(ctx context.Context, p process) error {
			return p.org.RotateKey(ctx, nil)
		}}
	}
}

// tokenRevoker revokes the i-th token.
func tokenRevoker(i int) func(*fixture) actor {
	return func(f *fixture) actor {
		return actor{name: fmt.Sprint("revoke token ", i), do: func(ctx context.Context, p process) error {
			err := p.api.RevokeToken(ctx, f.tokens[i].ID())
			if err == nil {
				f.mark()
			}
			return err
		}}
	}
}

// A scene is what several actors do at once, with a secret that is granted to
// so many services beside theirs.
type scene struct {
	crowd  int
	actors []func(*fixture) actor
}

func scenes() map[string]scene {
	always := func(a actor) func(*fixture) actor { return func(*fixture) actor { return a } }
	return map[string]scene{
		"update, revoke token":           {0, []func(*fixture) actor{reader, always(updater), tokenRevoker(0)}},
		"update, revoke, grant":          {0, []func(*fixture) actor{reader, always(updater), always(revoker), always(granter)}},
		"update, grant, issue, revoke":   {0, []func(*fixture) actor{reader, always(updater), always(another), issuer, tokenRevoker(0)}},
		"update, issue, revoke token":    {0, []func(*fixture) actor{reader, always(updater), issuer, tokenRevoker(0)}},
		"revoke token, revoke token":     {0, []func(*fixture) actor{reader, tokenRevoker(0), tokenRevoker(1)}},
		"revoke, revoke token, update":   {0, []func(*fixture) actor{reader, always(revoker), tokenRevoker(0), always(updater)}},
		"delete, create again, update":   {0, []func(*fixture) actor{reader, always(remover), always(creator), always(updater)}},
		"delete, revoke token, grant":    {0, []func(*fixture) actor{reader, always(remover), tokenRevoker(0), always(granter)}},
		"rotate, rotate, update":         {0, []func(*fixture) actor{reader, rotator(0), rotator(1), always(updater)}},
		"rotate, issue, revoke token":    {0, []func(*fixture) actor{reader, rotator(0), issuer, tokenRevoker(0)}},
		"rotate, revoke, grant":          {0, []func(*fixture) actor{reader, rotator(0), always(revoker), always(granter)}},
		"rotate, delete, create again":   {0, []func(*fixture) actor{reader, rotator(0), always(remover), always(creator)}},
		"staged: rotate, update, delete": {crowd, []func(*fixture) actor{reader, rotator(0), always(updater), always(remover)}},
		"staged: update, update again":   {crowd, []func(*fixture) actor{reader, always(updater), always(setter)}},
		"staged: update, revoke token":   {crowd, []func(*fixture) actor{reader, always(updater), tokenRevoker(0)}},
		"staged: update, revoke, grant":  {crowd, []func(*fixture) actor{reader, always(updater), always(revoker), always(granter)}},
		"staged: delete, create again":   {crowd, []func(*fixture) actor{reader, always(remover), always(creator)}},
		"staged: delete, take variable":  {crowd, []func(*fixture) actor{always(remover), always(taker)}},
		"staged: delete, update, revoke": {crowd, []func(*fixture) actor{reader, always(remover), always(updater), always(revoker)}},
	}
}

func (s scene) fixture(t *testing.T) *fixture {
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "other")
	set(t, f.org, "c", "third")
	for _, name := range names("svc", s.crowd) {
		service := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := service.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	f.tokens = []secrets.Token{f.token(t), f.token(t), f.token(t)}
	f.keys = keyIDs(t, f.org)
	return f
}

func (s scene) cast(f *fixture) []actor {
	var actors []actor
	for _, actor := range s.actors {
		actors = append(actors, actor(f))
	}
	return actors
}

func TestRandomInterleavingsKeepWhatTheModelPromises(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, rounds := scene.fixture(t), 60
			if scene.crowd > 0 || testing.Short() {
				rounds = 10
			}
			for seed := range uint64(rounds) {
				synctest.Test(t, func(t *testing.T) {
					defer logIfFailed(t, "seed %d", seed)
					c := f.clone(t).recorded(t)
					play(t, c, atRandom(seed), scene.cast(c))
				})
			}
			t.Attr("interleavings", fmt.Sprint(rounds))
		})
	}
}

func TestActorStoppedAtAnyCallAndGoingOnLaterKeepsWhatTheModelPromises(t *testing.T) {
	t.Parallel()
	step := 1
	if brief() {
		step = 3
	}
	for name, scene := range scenes() {
		if scene.crowd > 0 && brief() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, played := scene.fixture(t), 0
			for _, a := range scene.cast(f) {
				for turns, all := 0, 1; turns <= all && !t.Failed(); turns += step {
					played++
					synctest.Test(t, func(t *testing.T) {
						defer logIfFailed(t, "%s stopped after %d calls", a.name, turns)
						c := f.clone(t).recorded(t)
						all = play(t, c, stopping(a.name, turns), scene.cast(c))[a.name].turns
					})
				}
			}
			t.Attr("interleavings", fmt.Sprint(played))
		})
	}
}

func logIfFailed(t *testing.T, format string, args ...any) {
	if t.Failed() {
		t.Logf(format, args...)
	}
}

// play runs the actors, and holds what the model promises against what is seen
// meanwhile and at the end.
func play(t *testing.T, f *fixture, next schedule, actors []actor) map[string]ending {
	t.Helper()
	// The third token is never revoked: whoever holds it reads at every instant.
	session, thief := f.connect(t, f.tokens[2]), steal(t, f.store, f.tokens[0])
	always := func() {
		if err := granted(t.Context(), session); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := thief.reads(t, f.store, "a", stored(t, f.store, thief.rowKey("a")).Value); got != "one" {
		t.Errorf("at first the thief reads %q", got)
	}
	endings := run(t, f, next, actors, always)
	for _, a := range actors {
		err := endings[a.name].err
		if !a.mayEnd(err) {
			t.Errorf("%s: %v", a.name, err)
		}
		if strings.HasPrefix(a.name, "rotate ") && err == nil {
			wantRotated(t, f, get(t)(f.open(t, f.store).Organization(t.Context(), "acme")))
		}
		for i, token := range f.tokens {
			if a.name == fmt.Sprint("revoke token ", i) {
				f.repeatRevocation(t, token, err)
				wantError(t, failure(secrets.Connect(t.Context(), f.store, token)), secrets.ErrUnauthenticated)
			}
		}
	}
	for _, late := range f.late {
		want(t, lookup(t.Context(), late, "A"), lookup(t.Context(), session, "A"))
		want(t, lookup(t.Context(), late, "B"), lookup(t.Context(), session, "B"))
	}
	// Whatever happened, the organization works and agrees with itself.
	if _, err := f.org.SetSecret(t.Context(), "a", text("after")); err != nil {
		t.Error(err)
	}
	f.wantNothingForThief(t, thief)
	grants, err := f.org.Usage(t.Context(), "a")
	if err != nil {
		t.Error(err)
	}
	expected := "absent"
	if slices.ContainsFunc(grants, func(g secrets.Grant) bool { return g.Service == "api" }) {
		expected = "after"
	}
	want(t, lookup(t.Context(), session, "A"), expected)
	rows, variables := entries(t, f.store, "org/acme/env/"), entries(t, f.store, "org/acme/var/")
	others, err := f.org.Usage(t.Context(), "b")
	more, _ := f.org.Usage(t.Context(), "c")
	want(t, lookup(t.Context(), session, "C"), map[bool]string{true: "third", false: "absent"}[len(more) == 1])
	if n := len(grants) + len(others) + len(more); err != nil || len(rows) != n || len(variables) != n {
		t.Errorf("%d rows and %d variables for %d grants, %v", len(rows), len(variables), n, err)
	}
	return endings
}
