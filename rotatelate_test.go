package secrets_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A rotation ends once it has found nothing under the old key. These writers have
// read before that, and commit after it: one that carried over what it had read
// would put it under a key that goes.

func TestALateWriterPutsNothingUnderAnOldKey(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if op.name == "create organization" || op.name == "delete organization" || op.name == "retire key" || strings.HasPrefix(op.name, "rotate") {
			continue // they do not write beside a rotation
		}
		if op.crowd && brief() {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if op.prepare != nil {
				op.prepare(t, f)
			}
			f.keys = keyIDs(t, f.org)
			for commits := 0; ; commits++ { // it finds a rotation that has come so far
				c, late := f.clone(t), 1
				if commits > 0 && c.elsewhere(t, crashing(c.store, commits)).org.RotateKey(t.Context(), nil) == nil {
					return
				}
				for commitLate(t, c.clone(t), op, late) && !t.Failed() {
					late++
				}
				if late == 1 || t.Failed() {
					t.Fatalf("the rotation was stopped after %d commits, commit %d", commits, late)
				}
			}
		})
	}
}

// commitLate does an operation of which one commit arrives when a rotation is
// about to drop the old key. It returns false once the operation makes fewer
// commits.
func commitLate(t *testing.T, f *fixture, op operation, late int) bool {
	t.Helper()
	defer logIfFailed(t, "commit %d was late", late)
	store, n := &hooked{Store: f.store}, 0
	store.commit = func(ctx context.Context, b storage.Batch) error {
		if n++; n != late {
			return f.store.Commit(ctx, b)
		}
		landed := false
		var err error
		f.rotateBefore(t, func() { landed, err = true, f.store.Commit(ctx, b) })
		if !landed {
			t.Error("the rotation drops no key")
		}
		return err
	}
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	if err := op.do(t.Context(), t, f, org, client); err != nil {
		t.Error(err)
	}
	if n < late {
		return false
	}
	wantRotated(t, f, get(t)(f.open(t, f.store).Organization(t.Context(), "acme")))
	f.verify(t, op)
	return true
}

// rotateBefore rotates the organization's key, and does something right before
// the old one is dropped.
func (f *fixture) rotateBefore(t *testing.T, do func()) {
	t.Helper()
	store := &hooked{Store: f.store}
	org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
	store.commit = func(ctx context.Context, b storage.Batch) error {
		if b.Puts[0].Key == "orgs/acme" && len(usage(t, f.org)) == 2 && do != nil {
			do()
			do = nil
		}
		return f.store.Commit(ctx, b)
	}
	if err := org.RotateKey(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Whatever a rotation has written when its organization goes, goes with it.
func TestAnOrganizationIsDeletedAtAnyCallOfARotation(t *testing.T) {
	t.Parallel()
	base := newFixture(t)
	varied(t, base)
	calls := 1
	for more := true; more && !t.Failed(); calls++ {
		f, n := base.clone(t), 0
		more = false
		remove := func() {
			if n++; n != calls {
				return
			}
			more = true
			if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
				t.Error(err)
			}
		}
		store := &hooked{Store: f.store}
		org := get(t)(f.open(t, store).Organization(t.Context(), "acme"))
		store.before = func(...string) error { remove(); return nil }
		store.commit = func(ctx context.Context, b storage.Batch) error { remove(); return f.store.Commit(ctx, b) }
		err := org.RotateKey(t.Context(), nil)
		if more {
			nothingLeftOf("")(t, f, nil)
		}
		if more != errors.Is(err, secrets.ErrNotFound) {
			t.Errorf("deleted at call %d: %v", calls, err)
		}
	}
	if calls < 20 {
		t.Errorf("%d calls", calls)
	}
}

func TestARotationDoesNotBringBackTheKeyOfAnOrganizationThatWasDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	store := &hooked{Store: f.store}
	client := f.open(t, store)
	org := get(t)(client.Organization(t.Context(), "acme"))
	var before []storage.Entry
	store.afterFirst(func() {
		before = everything(t, f.store)
		if err := client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
			t.Error(err)
		}
	})
	wantError(t, org.RotateKey(t.Context(), nil), secrets.ErrNotFound)
	restore(t, f.store, before)
	wantError(t, failure(org.RevealSecret(t.Context(), "a")), secrets.ErrNotFound)
}
