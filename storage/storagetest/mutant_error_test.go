package storagetest_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-9f6dc42a/secrets/storage"
)

func errorMutants() []mutant {
	quoted := func(format string) connector {
		return hook(func(s storage.Store) hooks {
			return hooks{commit: func(ctx context.Context, b storage.Batch) error {
				err := s.Commit(ctx, b)
				if err != nil && len(b.Puts) > 0 {
					return fmt.Errorf("%w: "+format, err, b.Puts[0].Value)
				}
				return err
			}}
		})
	}
	return []mutant{
		{"a Store prints what it holds", []string{"PrintingShowsNoEntry"}, each(func(s storage.Store) storage.Store { return &printing{Store: s} })},
		{"an error quotes what was to be written", []string{"ErrorsCarryNoValue"}, quoted("%s")},
		{"an error shows what was to be written in hex", []string{"ErrorsCarryNoValue"}, quoted("%x")},
		{"an error shows what was to be written as numbers", []string{"ErrorsCarryNoValue"}, quoted("%v")},
	}
}

// printing shows what was written to it.
type printing struct {
	storage.Store
	mu      sync.Mutex
	written []storage.Put
}

func (p *printing) Commit(ctx context.Context, b storage.Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = append(p.written, b.Puts...)
	return p.Store.Commit(ctx, b)
}

func (p *printing) Format(f fmt.State, _ rune) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(f, p.written)
}
