package storage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A purger is a spy that purges.
type purger struct{ spy }

func (p *purger) Purge(context.Context) error {
	p.calls = append(p.calls, "purge")
	return errSpy
}

func TestLimitIsAPurgerIfTheDriverIs(t *testing.T) {
	t.Parallel()
	driver := &purger{}
	limited := storage.Limit(driver)
	if twice := storage.Limit(limited); twice != limited {
		t.Error("a limited Purger was limited again")
	}
	p, ok := limited.(storage.Purger)
	if !ok {
		t.Fatal("a limited Purger is none")
	}
	if err := p.Purge(t.Context()); !errors.Is(err, errSpy) || len(driver.calls) != 1 {
		t.Errorf("Purge: %v; the driver was called: %q", err, driver.calls)
	}
	if _, err := limited.Get(t.Context(), "a key with spaces"); !errors.Is(err, storage.ErrLimit) {
		t.Errorf("Get of a limited Purger: got %v, want ErrLimit", err)
	}
	if _, ok := storage.Limit(&spy{}).(storage.Purger); ok {
		t.Error("a limited Store that is no Purger is one")
	}
}
