package secrets_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A commit whose answer was lost may be applied at any time afterwards: a proxy
// or a server has it still.

func TestACommitThatLandsAfterItsReadBackChangesNoResult(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if op.prepare != nil {
				op.prepare(t, f)
			}
			lost := 1
			for more := true; more && lost < maxCalls; lost++ {
				more = false
				for _, calls := range landings() {
					synctest.Test(t, func(t *testing.T) {
						more = landLate(t, f.clone(t), op, lost, calls) || more
					})
				}
			}
			if lost <= 2 || lost == maxCalls {
				t.Errorf("%d commits", lost)
			}
		})
	}
}

// landings returns after how many calls a commit lands that was lost.
func landings() []int {
	if !long() {
		return []int{1, 2, 4, 7, 1 << 30}
	}
	all := []int{1 << 30}
	for calls := range 14 {
		all = append(all, calls+1)
	}
	return all
}

// landLate does an operation of which one commit is lost, and lands so many
// calls later, or when all is over. It returns false once the operation makes
// fewer commits.
func landLate(t *testing.T, f *fixture, op operation, lost, calls int) bool {
	t.Helper()
	defer logIfFailed(t, "commit %d was lost, and landed %d calls later", lost, calls)
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	op.begin(t, org)
	n, left := 0, 0
	step := func() {
		if left--; left == 0 {
			store.land()
		}
	}
	store.before = func(...string) error { step(); return nil }
	store.commit = func(ctx context.Context, b storage.Batch) error {
		step()
		if n++; n == lost {
			left = calls
			return store.lose(b)
		}
		return store.apply(ctx, b)
	}
	if err := op.do(t.Context(), t, f, org, client); err != nil {
		t.Error(err)
	}
	store.land()
	f.verify(t, op)
	return n >= lost && !t.Failed()
}

// verify looks whether an operation was done, through handles without memory.
func (f *fixture) verify(t *testing.T, op operation) {
	t.Helper()
	var org *secrets.Organization
	if op.name != "delete organization" {
		org = get(t)(f.open(t, f.store).Organization(t.Context(), "acme"))
	}
	op.verify(t, f, org)
}

func TestALostCreationOfAServiceDoesNotLandAfterItsDeletion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.loseNext(func() {})
	getService(t)(p.org.CreateService(t.Context(), "web"))
	if err := p.org.DeleteService(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	store.land()
	for _, org := range []*secrets.Organization{p.org, f.clone(t).org} {
		_, err := org.Service(t.Context(), "web")
		wantError(t, err, secrets.ErrNotFound)
	}
	getService(t)(p.org.CreateService(t.Context(), "web"))
	if err := p.org.DeleteService(t.Context(), "web"); err != nil {
		t.Error(err)
	}
}

func TestALostGrantDoesNotLandAfterRevokeReturned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made(t)(f.org.CreateSecret(t.Context(), "a", text("one")))
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.loseNext(cancel)
	wantError(t, failure(p.api.Grant(ctx, "a", "")), secrets.ErrUnknownOutcome)
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if n := store.land(); n != 0 {
		t.Errorf("%d commits landed after the revocation", n)
	}
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("after"), nil))
	want(t, lookup(t.Context(), f.connect(t, f.token(t)), "A"), "absent")
}

// The first secret of a name that is another's was there before, or ours never
// came: CreateSecret has not read that.
func TestALostCreationOfASecretThatWasThereSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made(t)(f.org.CreateSecret(t.Context(), "there", text("one")))
	made(t)(f.org.CreateSecret(t.Context(), "gone", text("one")))
	if err := f.org.DeleteSecret(t.Context(), "gone", nil); err != nil {
		t.Fatal(err)
	}
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.loseNext(func() {})
	wantError(t, failure(p.org.CreateSecret(t.Context(), "there", text("two"))), secrets.ErrExists)
	store.loseNext(func() {})
	made(t)(p.org.CreateSecret(t.Context(), "gone", text("two")))
	want(t, revealAll(t, f.org, "there", "gone"), "there=one gone=two ")
}

func TestALostCreationOfASecretIsNotRepeatedAfterItsDeletion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.loseNext(func() {
		store.land()
		if err := f.org.DeleteSecret(t.Context(), "a", nil); err != nil {
			t.Error(err)
		}
	})
	wantError(t, failure(p.org.CreateSecret(t.Context(), "a", text("one"))), secrets.ErrUnknownOutcome)
	wantError(t, failure(f.org.Secret(t.Context(), "a")), secrets.ErrNotFound)
}

func TestALostValueIsNotSetAgainOverManyLaterOnes(t *testing.T) {
	t.Parallel()
	const updates = 8 // as many versions as a secret remembers
	for what, put := range map[string]func(context.Context, *secrets.Organization) error{
		"create secret": func(ctx context.Context, o *secrets.Organization) error {
			return failure(o.CreateSecret(ctx, "a", text("one")))
		},
		"set secret": func(ctx context.Context, o *secrets.Organization) error {
			return failure(o.SetSecret(ctx, "a", text("one")))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			store := &hooked{Store: f.store}
			p := f.elsewhere(t, store)
			store.loseNext(func() {
				store.land()
				for i := range updates {
					made(t)(f.org.UpdateSecret(t.Context(), "a", text(fmt.Sprint(i)), nil))
				}
			})
			wantError(t, put(t.Context(), p.org), secrets.ErrUnknownOutcome)
			v, err := f.org.RevealSecret(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			want(t, reveal(v), fmt.Sprint(updates-1))
		})
	}
}

func TestALostGrantThatMeetsALimitSaysThatItsOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	const most = 4096 // grants of a service
	f := newFixture(t)
	f.give(t, "a", "one")
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	store := &hooked{Store: f.store}
	p := f.elsewhere(t, store)
	store.loseNext(func() { // others are granted to it meanwhile: their rows count
		var rows []storage.Entry
		row := stored(t, f.store, "org/acme/env/api/a")
		for _, name := range names("other", most-1) {
			row.Key = "org/acme/env/api/" + string(name)
			rows = append(rows, row)
		}
		restore(t, f.store, rows)
	})
	err := failure(p.api.Grant(t.Context(), "b", ""))
	if n := store.land(); n != 1 {
		t.Fatalf("%d commits landed", n)
	}
	wantError(t, err, secrets.ErrUnknownOutcome)
}
