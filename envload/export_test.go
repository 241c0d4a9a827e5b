package envload

import (
	"context"

	"github.com/seed-9f6dc42a/secrets"
)

// LoadWith is [Load] with another os.Setenv. That of Unix never fails once
// names and values were checked.
func LoadWith(ctx context.Context, src secrets.Source, opts *Options, setenv func(name, value string) error) (*Report, error) {
	return load(ctx, src, opts.orZero(), setenv)
}
