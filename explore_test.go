package secrets_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The explorer draws tasks, lets them take turns call by call as processes of
// their own, draws the faults that each of them meets, and holds what is promised
// against what is read meanwhile and at the end.

// A trial is what was drawn from one seed.
type trial struct {
	*fixture
	rec     *recording
	random  *rand.Rand
	tasks   []task
	lost    []*hooked // the commits of each task that may still land
	endings map[string]ending
	keeper  secrets.Name // of a, as long as there is one: the last service
	without bool         // the service does not have a when the tasks begin
	final   bool         // a was taken from it after they had ended

	mu    sync.Mutex
	trace []string
}

func (tr *trial) note(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.trace = append(tr.trace, fmt.Sprintf(format, args...))
}

// A task is an actor; several may be of one kind.
type task struct {
	actor
	kind string
}

// The tasks are about the secret a. Beside it the service api is always granted
// b, and has c, which may take a's variable. Other services have a too.
const (
	ofA    = "v0" // all values of a begin with v
	ofB    = "other"
	ofC    = "third"
	loser  = "svc-0003" // from which a may be revoked
	mortal = "svc-0005" // which may be deleted and created again
)

func TestRandomFaultsAndTurnsKeepWhatIsPromised(t *testing.T) {
	t.Parallel()
	few, many := newExplored(t, 12), newExplored(t, crowd)
	rounds := uint64(120)
	if long() {
		rounds = 6000
	}
	for seed := range rounds {
		f := few
		if seed%16 == 15 {
			f = many // staged
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { explore(t, f, seed) })
		})
	}
}

func newExplored(t *testing.T, services int) *fixture {
	t.Helper()
	f := newFixture(t)
	f.give(t, "a", ofA)
	f.give(t, "b", ofB)
	f.give(t, "c", ofC)
	for _, name := range names("svc", services) {
		s := getService(t)(f.org.CreateService(t.Context(), name))
		if _, err := s.Grant(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	f.tokens = []secrets.Token{f.token(t), f.tokenUntil(t, year2100), f.token(t)}
	return f
}

func explore(t *testing.T, f *fixture, seed uint64) {
	tr := &trial{rec: newRecording(copied(t, f.store)), random: rand.New(rand.NewPCG(seed, 0))}
	tr.fixture = &fixture{store: tr.rec, root: f.root, tokens: f.tokens}
	tr.client = tr.open(t, tr.store)
	tr.org = get(t)(tr.client.Organization(t.Context(), "acme"))
	tr.api = getService(t)(tr.org.Service(t.Context(), "api"))
	for s := range tr.org.Services(t.Context(), nil) {
		tr.keeper = s.Name
	}
	for _, e := range entries(t, tr.store, "org/acme/") {
		tr.rec.values[e.Key] = [][]byte{e.Value}
	}
	defer func() { logIfFailed(t, "seed %d\n%s", seed, strings.Join(tr.trace, "\n")) }()
	if tr.without = tr.random.IntN(4) == 0; tr.without {
		if err := tr.api.Revoke(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	tr.draw(seed)
	tr.play(t)
	tr.settle(t)
	tr.wantDone(t)
	tr.wantRevokedReadNothing(t, "after")
	tr.audit(t)
	tr.wantRevokedReadNothing(t, "at last")
}

// draw draws the tasks and the faults that each meets, and adds readers.
func (tr *trial) draw(seed uint64) {
	kinds := slices.Sorted(maps.Keys(tr.kinds(0)))
	rate := []float64{0, 0.05, 0.1, 0.3}[tr.random.IntN(4)]
	for i := range 2 + tr.random.IntN(4) {
		kind := kinds[tr.random.IntN(len(kinds))]
		random := rand.New(rand.NewPCG(seed, uint64(i+1)))
		do, name := tr.kinds(i + 1)[kind], fmt.Sprint(i, " ", kind)
		late := &hooked{Store: tr.store}
		tr.lost = append(tr.lost, late)
		tr.add(task{kind: kind, actor: actor{name: name, do: func(ctx context.Context, p process) error {
			client, err := secrets.Open(tr.failing(p.store, late, name, random, rate), tr.root, nil)
			if err != nil {
				return err
			}
			org, err := client.Organization(ctx, "acme")
			if err != nil {
				return err
			}
			return do(ctx, org)
		}}})
	}
	for i := range 1 + tr.random.IntN(3) {
		tr.add(task{kind: "read", actor: tr.reader(fmt.Sprint("reader ", i), tr.random.IntN(2) == 0)})
	}
}

func (tr *trial) add(k task) {
	tr.tasks = append(tr.tasks, k)
	tr.note("task %s", k.name)
}

// kinds returns what may be drawn; values that are set have a number.
func (tr *trial) kinds(n int) map[string]func(context.Context, *secrets.Organization) error {
	value := text(fmt.Sprint("v", n))
	on := func(name secrets.Name, do func(context.Context, *secrets.Service) error) func(context.Context, *secrets.Organization) error {
		return func(ctx context.Context, org *secrets.Organization) error {
			return service(ctx, org, name, func(s *secrets.Service) error { return do(ctx, s) })
		}
	}
	grant := func(secret secrets.Name, env string) func(context.Context, *secrets.Service) error {
		return func(ctx context.Context, s *secrets.Service) error { return failure(s.Grant(ctx, secret, env)) }
	}
	revoke := func(ctx context.Context, s *secrets.Service) error { return s.Revoke(ctx, "a") }
	token := func(i int) func(context.Context, *secrets.Service) error {
		return func(ctx context.Context, s *secrets.Service) error { return s.RevokeToken(ctx, tr.tokens[i].ID()) }
	}
	update := func(ctx context.Context, org *secrets.Organization) error {
		return failure(org.UpdateSecret(ctx, "a", value, nil))
	}
	return map[string]func(context.Context, *secrets.Organization) error{
		"update": update, "update again": update,
		"update twice": func(ctx context.Context, org *secrets.Organization) error {
			if err := update(ctx, org); err != nil {
				return err
			}
			return update(ctx, org)
		},
		"set": func(ctx context.Context, org *secrets.Organization) error {
			return failure(org.SetSecret(ctx, "a", value))
		},
		"delete": func(ctx context.Context, org *secrets.Organization) error {
			return org.DeleteSecret(ctx, "a", &secrets.DeleteOptions{Revoke: true})
		},
		"grant": on("api", grant("a", "")), "move": on("api", grant("a", "MOVED")), "take the variable": on("api", grant("c", "A")),
		"revoke": on("api", revoke), "revoke from another": on(loser, revoke),
		"revoke token 0": on("api", token(0)), "revoke token 1": on("api", token(1)),
		"revoke expired tokens": on("api", func(ctx context.Context, s *secrets.Service) error {
			return failure(s.RevokeExpired(ctx, year2100)) // token 1
		}),
		"issue": on("api", func(ctx context.Context, s *secrets.Service) error { return failure(s.IssueToken(ctx)) }),
		"delete service": func(ctx context.Context, org *secrets.Organization) error {
			return org.DeleteService(ctx, mortal)
		},
		"create service": func(ctx context.Context, org *secrets.Organization) error {
			s, err := org.CreateService(ctx, mortal)
			if err != nil {
				return err
			}
			return failure(s.Grant(ctx, "a", ""))
		},
	}
}

// has reports whether a task of any of these kinds was drawn.
func (tr *trial) has(kinds ...string) bool {
	return slices.ContainsFunc(tr.tasks, func(k task) bool { return slices.Contains(kinds, k.kind) })
}

// failing returns a store that fails at random: for good, once, or with a commit
// that is lost, which was applied, never is, or is left in late to land at any
// time.
func (tr *trial) failing(store storage.Store, late *hooked, name string, random *rand.Rand, rate float64) *hooked {
	h, dead := &hooked{Store: store}, false
	call := func(what, how string) { tr.note("%s: %s: %s", name, what, how) }
	h.before = func(keys ...string) error {
		dead = dead || random.Float64() < rate/10
		if dead || random.Float64() < rate/10 {
			call("read", "fails")
			return storage.ErrUnavailable
		}
		call("read", keys[len(keys)-1])
		return nil
	}
	h.commit = func(ctx context.Context, b storage.Batch) error {
		if dead = dead || random.Float64() < rate/10; dead {
			call("commit", "fails")
			return storage.ErrUnavailable
		}
		if random.Float64() >= rate {
			call("commit", fmt.Sprintf("%d checks, %d puts, %d deletes", len(b.Checks), len(b.Puts), len(b.Deletes)))
			return h.apply(ctx, b)
		}
		switch random.IntN(5) {
		case 0:
			call("commit", "conflict")
			return storage.ErrConflict
		case 1:
			call("commit", "refused")
			return storage.ErrUnavailable
		}
		dead = random.IntN(3) == 0 // what loses a commit often stays away
		switch random.IntN(3) {
		case 0:
			call("commit", "lost, lands later")
			return late.lose(b)
		case 1:
			call("commit", "lost, applied")
			if err := store.Commit(ctx, b); err != nil {
				return err
			}
		default:
			call("commit", "lost, never applied")
		}
		return storage.ErrUnknownOutcome
	}
	return h
}

// reader is an app, or a platform, that is stopped between its own calls.
func (tr *trial) reader(name string, app bool) actor {
	return actor{name: name, do: func(ctx context.Context, p process) error {
		source := secrets.Source(p.api)
		if app {
			session, err := secrets.Connect(ctx, p.store, tr.tokens[2])
			if err != nil {
				return err
			}
			source = session
		}
		for range 4 {
			env, err := source.Environment(ctx)
			if err != nil {
				return err
			}
			if err := tr.wantRead(env); err != nil {
				return err
			}
		}
		return nil
	}}
}
