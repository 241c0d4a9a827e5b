package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const (
	clients    = 6
	operations = 10  // of each client
	crowd      = 100 // services, whose wraps do not fit one commit
)

// A round is an organization of its own, and what several clients do to it at
// once.
type round struct {
	seed    uint64
	name    secrets.Name
	root    crypto.Root
	token   secrets.Token
	rate    float64       // of operations that meet a fault
	beat    time.Duration // see pace
	history history
	late    sync.WaitGroup
}

// newRound makes the organization, through the first of the stores.
func newRound(t testing.TB, store storage.Store, root crypto.Root, seed uint64) *round {
	t.Helper()
	r := &round{seed: seed, name: secrets.Name(fmt.Sprint("acme-", seed)), root: root, rate: 0.3}
	if seed%4 == 0 {
		r.rate = 0
	}
	if seed%8 == 7 {
		r.history.begin, _ = state{crowd: true}.put("v0")
	}
	eventually(t, func() error { return r.prepare(t.Context(), store) })
	return r
}

// end deletes the organization, so that maintenance, which is of all of them,
// takes no longer from round to round.
func (r *round) end(t testing.TB, store storage.Store) {
	t.Helper()
	eventually(t, func() error {
		admin, err := secrets.Open(store, r.root, nil)
		if err != nil {
			return err
		}
		err = admin.DeleteOrganization(t.Context(), r.name, &secrets.DeleteOptions{Revoke: true})
		if errors.Is(err, secrets.ErrNotFound) { // the answer was lost
			return nil
		}
		return err
	})
}

// eventually repeats what fails only because a server has just come back.
func eventually(t testing.TB, do func() error) {
	t.Helper()
	err := do()
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); err = do() {
		if !errors.Is(err, secrets.ErrUnavailable) && !errors.Is(err, secrets.ErrUnknownOutcome) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// prepare makes what is not there yet: a server that has just come back may have
// lost it on the way.
func (r *round) prepare(ctx context.Context, store storage.Store) error {
	admin, err := secrets.Open(store, r.root, nil)
	if err != nil {
		return err
	}
	org, err := admin.CreateOrganization(ctx, r.name)
	if errors.Is(err, secrets.ErrExists) {
		org, err = admin.Organization(ctx, r.name)
	}
	if err != nil {
		return err
	}
	api, err := org.CreateService(ctx, "api")
	if errors.Is(err, secrets.ErrExists) {
		api, err = org.Service(ctx, "api")
	}
	if err != nil {
		return err
	}
	if r.token, err = api.IssueToken(ctx); err != nil || !r.history.begin.crowd {
		return err
	}
	return r.prepareCrowd(ctx, org)
}

// prepareCrowd lets the secrets be granted to a crowd at first, so that they are
// updated in stages.
func (r *round) prepareCrowd(ctx context.Context, org *secrets.Organization) error {
	for _, name := range secretNames {
		if _, err := org.SetSecret(ctx, name, secrets.Text(r.history.begin.values[0])); err != nil {
			return err
		}
	}
	for i := range crowd {
		service, err := org.CreateService(ctx, secrets.Name(fmt.Sprint("other-", i)))
		if errors.Is(err, secrets.ErrExists) {
			service, err = org.Service(ctx, secrets.Name(fmt.Sprint("other-", i)))
		}
		if err != nil {
			return err
		}
		for _, name := range secretNames {
			if _, err := service.Grant(ctx, name, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// play lets the clients do what is drawn, divided among the stores.
func (r *round) play(ctx context.Context, stores ...storage.Store) {
	var group sync.WaitGroup
	for i := range clients {
		c := r.client(i, stores[i%len(stores)])
		group.Go(func() {
			c.revive(ctx)
			c.play(ctx, operations)
		})
	}
	group.Wait()
	r.late.Wait()
}

func (r *round) client(id int, store storage.Store) *client {
	draw := func(of uint64) *rand.Rand { return rand.New(rand.NewPCG(r.seed, uint64(id)<<8+of)) }
	p := &pace{random: draw(1), beat: r.beat, begun: time.Now()}
	return &client{
		round: r, id: id, random: draw(2),
		store: &chancy{Store: store, pace: p, late: &r.late, random: draw(3)},
	}
}

func newRoot(t testing.TB) crypto.Root {
	t.Helper()
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	return root
}
