package storagetest_test

import (
	"context"
	"fmt"

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
		{"an error quotes what was to be written", []string{"ErrorsCarryNoValue"}, quoted("%s")},
		{"an error shows what was to be written in hex", []string{"ErrorsCarryNoValue"}, quoted("%x")},
		{"an error shows what was to be written as numbers", []string{"ErrorsCarryNoValue"}, quoted("%v")},
	}
}
