package kms_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// vaultRoot makes a root of a transit key, such as transit/keys/secrets. Make
// the key with type aes256-gcm96 or chacha20-poly1305, and leave derived off.
//
// It calls hcvault.NewAEAD. The older hcvault.NewClient sends the associated
// data where Vault ignores it, unless the key is derived.
func vaultRoot(config *api.Config, token, key string) (crypto.Root, error) {
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.SetToken(token)
	aead, err := hcvault.NewAEAD("/"+key, client.Logical())
	if err != nil {
		return nil, err
	}
	// A call of this client has no context; config.Timeout is what ends it.
	return outages{Root: crypto.FromTink(aead), isOutage: isVaultOutage, patience: patience}, nil
}

// isVaultOutage: a Vault that is sealed, a standby or throttled says so in the
// status.
func isVaultOutage(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) &&
		(answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests)
}

func TestVault(t *testing.T) {
	t.Parallel()
	testRoots(t, newVault)
}

func newVault(t *testing.T) *service {
	t.Helper()
	s := &service{}
	server := startVault(t, &fakeVault{keys: newKeys(t, "first", "second"), down: s.down.Load})
	s.away = server.Close
	s.root = func(t *testing.T, key string) crypto.Root {
		t.Helper()
		return newVaultRoot(t, server.URL, vaultToken, key)
	}
	s.stranger = func(t *testing.T) crypto.Root {
		t.Helper()
		return newVaultRoot(t, server.URL, "hvs.other", "first")
	}
	return s
}

func newVaultRoot(t *testing.T, address, token, key string) crypto.Root {
	t.Helper()
	config := api.DefaultConfig() // reads VAULT_ADDR and the like, also the CA
	config.Address = address
	config.Timeout = patience
	config.MaxRetries = 0 // the test would wait for them
	root, err := vaultRoot(config, token, "transit/keys/"+key)
	if err != nil {
		t.Fatal(err)
	}
	return root
}
