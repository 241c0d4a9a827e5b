package storage_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A driver does not look at the limits: what exceeds them never gets to it.
func ExampleLimit() {
	var driver storage.Store // a call of it would panic
	store := storage.Limit(driver)
	_, err := store.Get(context.Background(), "a key with spaces")
	fmt.Println(errors.Is(err, storage.ErrLimit))
	// Output: true
}
