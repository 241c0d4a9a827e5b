package crypto_test

import (
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// Worth something under the race detector only.
func TestKeysAndRootsAreSharedBetweenGoroutines(t *testing.T) {
	t.Parallel()
	root := crypto.Roots(newRoot(t), newRoot(t))
	keys, service := must(crypto.NewKeyset()), must(crypto.NewServiceKey())
	token, version := must(crypto.NewTokenKey()), must(crypto.NewVersionKey())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				wrapped := must(keys.Wrap(t.Context(), root, organizationBinding))
				again := must(crypto.UnwrapKeyset(t.Context(), root, wrapped, organizationBinding))
				must(again.UnwrapServiceKey(must(keys.WrapServiceKey(service, serviceKeyBinding)), serviceKeyBinding))
				must(again.UnwrapTokenKey(must(keys.WrapTokenKey(token, tokenKeyBinding)), tokenKeyBinding))
				must(token.UnwrapServiceKey(must(token.WrapServiceKey(service, tokenBinding)), tokenBinding))
				must(service.UnwrapVersionKey(must(service.WrapVersionKey(version, grantBinding)), grantBinding))
				must(version.Decrypt(must(version.Encrypt([]byte("v"), valueBinding)), valueBinding))
				if err := again.VerifyTag(must(keys.Tag(tagBinding)), tagBinding); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}
