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
	operations = 10 // of each client
)

// A round is an organization of its own, and what several clients do to it at
// once.
type round struct {
	seed    uint64
	name    secrets.Name
	root    crypto.Root
	token   secrets.Token
	rate    float64 // of operations that meet a fault
	patient time.Duration
	history history
	late    sync.WaitGroup
}

// newRound makes the organization, through the first of the stores.
func newRound(t testing.TB, store storage.Store, root crypto.Root, seed uint64) *round {
	t.Helper()
	r := &round{seed: seed, name: secrets.Name(fmt.Sprint("acme-", seed)), root: root, rate: 0.3, patient: 500 * time.Microsecond}
	if seed%4 == 0 {
		r.rate = 0
	}
	for end := time.Now().Add(time.Minute); ; {
		err := r.prepare(t.Context(), store)
		if err == nil {
			return r
		}
		if !errors.Is(err, secrets.ErrUnavailable) && !errors.Is(err, secrets.ErrUnknownOutcome) || time.Now().After(end) {
			t.Fatal(err)
		}
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
	r.token, err = api.IssueToken(ctx)
	return err
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
	times, wait := draw(1), sync.Mutex{}
	pause := func() {
		wait.Lock()
		d := time.Duration(times.Int64N(int64(r.patient)))
		wait.Unlock()
		time.Sleep(d)
	}
	return &client{
		round: r, id: id, random: draw(2),
		store: &chancy{Store: store, pause: pause, late: &r.late, random: draw(3)},
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
