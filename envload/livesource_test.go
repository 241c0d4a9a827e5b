package envload_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// A barren watcher yields nothing that can be used.
type barren struct {
	secrets.Watcher
	yields int // times neither an environment nor an error
}

func (b barren) Watch(context.Context) iter.Seq2[*secrets.Environment, error] {
	return func(yield func(*secrets.Environment, error) bool) {
		for range b.yields {
			if !yield(nil, nil) {
				return
			}
		}
	}
}

func TestAWatcherThatYieldsNothingIsAnError(t *testing.T) {
	t.Parallel()
	for yields := range 3 {
		src := barren{secretstest.Environment(t, map[string]string{"DATABASE_URL": "one"}), yields}
		live, err := envload.Watch[liveConfig](t.Context(), src, hermetic)
		if live != nil || !errors.Is(err, envload.ErrOptions) {
			t.Errorf("%d times nothing: %v", yields, err)
		}
	}
}

func TestStatusSaysThatAccessIsLostBeforeTheHookIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		live, stop := watch(t, p.session)
		defer stop()
		var lost []bool
		live.OnChange(func(_, now *liveConfig) { lost = append(lost, now == nil && live.Status().Lost) })
		if err := p.api.RevokeToken(t.Context(), p.token.ID()); err != nil {
			t.Fatal(err)
		}
		<-live.Done()
		if len(lost) != 1 || !lost[0] {
			t.Errorf("lost: %v", lost)
		}
	})
}
