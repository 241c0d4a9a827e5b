package envload

import (
	"context"
	"fmt"

	"github.com/seed-9f6dc42a/secrets"
)

var errNothing = fmt.Errorf("%w: the source gives neither an environment nor an error", ErrOptions)

// environmentOf reads the source. An error of the source is returned as it is.
func environmentOf(ctx context.Context, src secrets.Source) (*secrets.Environment, error) {
	if isNil(src) {
		return nil, newError([]Problem{{Err: fmt.Errorf("%w: the source is nil", ErrOptions)}})
	}
	env, err := src.Environment(ctx)
	if err != nil {
		return nil, err
	}
	if env == nil {
		return nil, newError([]Problem{{Err: errNothing}})
	}
	return env, nil
}

// isNil also tells a nil pointer in the interface, as a call leaves behind whose
// error was not looked at. Whether another type works as one is its own matter.
func isNil(src secrets.Source) bool {
	switch src := src.(type) {
	case nil:
		return true
	case *secrets.Environment:
		return src == nil
	case *secrets.Session:
		return src == nil
	case *secrets.Service:
		return src == nil
	default:
		return false
	}
}
