package crypto_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// Not parallel: what is allocated is counted for the whole process.
func TestAnswersOfARootThatAreFarTooLargeAreRefused(t *testing.T) {
	k, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	root := talkative{make([]byte, 64<<20)}
	b := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "acme", Serial: 1}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := k.Wrap(t.Context(), root, b); err != crypto.ErrRootUnavailable {
		t.Errorf("Wrap: got %v", err)
	}
	if _, err := crypto.UnwrapKeyset(t.Context(), root, []byte("wrapped"), b); err != crypto.ErrWrongRoot {
		t.Errorf("UnwrapKeyset: got %v", err)
	}
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 1<<20 {
		t.Errorf("%d KiB", cost>>10)
	}
}

// A talkative root answers with the same, whatever it is asked.
type talkative struct{ text []byte }

func (r talkative) Wrap(context.Context, []byte, []byte) ([]byte, error)   { return r.text, nil }
func (r talkative) Unwrap(context.Context, []byte, []byte) ([]byte, error) { return r.text, nil }
