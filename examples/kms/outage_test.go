package kms_test

import (
	"context"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// patience is how long a KMS may take for one key. Without it the client
// libraries go on trying for up to a minute.
const patience = 5 * time.Second

// outages is a root that tells the outages of its KMS from refusals: the engine
// does not know the error types of any KMS, and takes what it does not know for
// [crypto.ErrWrongRoot]. This is also where a program logs what its KMS says.
type outages struct {
	crypto.Root
	isOutage func(error) bool
	patience time.Duration
}

func (o outages) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	wrapped, err := o.Root.Wrap(limited, plaintext, associatedData)
	return wrapped, o.translate(err)
}

func (o outages) Unwrap(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	plaintext, err := o.Root.Unwrap(limited, ciphertext, associatedData)
	return plaintext, o.translate(err)
}

// translate leaves alone the end of a context, which the engine knows.
func (o outages) translate(err error) error {
	if err != nil && o.isOutage(err) {
		return crypto.ErrRootUnavailable
	}
	return err
}
