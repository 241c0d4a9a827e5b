package kms_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"testing"
)

// keys are what a fake holds, under the names that its requests use.
type keys map[string]cipher.AEAD

// newKeys makes a fresh AES-256-GCM key for each name. Each puts a nonce of its
// own in front of what it seals.
func newKeys(t *testing.T, names ...string) keys {
	t.Helper()
	made := keys{}
	for _, name := range names {
		made[name] = newKey(t)
	}
	return made
}

func newKey(t *testing.T) cipher.AEAD {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealing
}
