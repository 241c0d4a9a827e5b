package secrets_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/secretstest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

const canary = "canary-7f3a9c-hunter2"

// TestNoErrorOfAnyCallHoldsAValue is not parallel: it captures what is printed.
func TestNoErrorOfAnyCallHoldsAValue(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	token := f.token(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	long := secrets.Text(strings.Repeat(canary, 4096))
	leaks := map[string]func() error{
		"name": func() error {
			_, err := f.org.CreateSecret(t.Context(), secrets.Name(canary+"!"), secrets.Text("v"))
			return err
		},
		"exists":    func() error { _, err := f.org.CreateSecret(t.Context(), "a", secrets.Text(canary)); return err },
		"too large": func() error { _, err := f.org.SetSecret(t.Context(), "a", long); return err },
		"NUL":       func() error { _, err := f.org.SetSecret(t.Context(), "a", secrets.Text(canary+"\x00")); return err },
		"conflict": func() error {
			_, err := f.org.UpdateSecret(t.Context(), "a", secrets.Text(canary), &secrets.UpdateOptions{IfVersion: 9})
			return err
		},
		"variable":  func() error { _, err := f.api.Grant(t.Context(), "a", canary+"="); return err },
		"in use":    func() error { return f.org.DeleteSecret(t.Context(), "a", nil) },
		"cancelled": func() error { _, err := f.org.SetSecret(ended, "a", secrets.Text(canary)); return err },
		"token":     func() error { _, err := secrets.ParseToken(token.Reveal() + "x"); return err },
		"token cut": func() error { _, err := secrets.ParseToken(token.Reveal()[:60]); return err },
		"token id":  func() error { return f.api.RevokeToken(t.Context(), token.Reveal()) },
		"variable twice": func() error {
			_, err := secrets.NewEnvironment(secrets.Variable{Name: "A", Value: secrets.Text(canary)}, secrets.Variable{Name: "a", Value: secrets.Text(canary)})
			return err
		},
	}
	for what, call := range leaks {
		t.Run(what, func(t *testing.T) {
			secretstest.NoLeak(t, func() error {
				err := call()
				if err == nil {
					t.Error("no error")
				}
				return err
			}, canary, token.Reveal())
		})
	}
	t.Attr("canaries-searched", fmt.Sprint(2*len(leaks)))
}

func TestTamperedRecordsLeakNothing(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	f.token(t)
	for _, e := range entries(t, f.store, "org/acme/") {
		c := f.clone(t)
		changed := append([]byte{}, e.Value...)
		changed[len(changed)-1] ^= 1
		restore(t, c.store, []storage.Entry{{Key: e.Key, Value: changed}})
		secretstest.NoLeak(t, func() error {
			_, err := c.org.SetSecret(t.Context(), "a", secrets.Text(canary+"2"))
			return err
		}, canary)
	}
}
