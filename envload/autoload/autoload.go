// Package autoload loads the environment of the process before main begins, for
// its effect alone:
//
//	import _ "github.com/seed-9f6dc42a/secrets/envload/autoload"
//
// It does what [fromenv.Load] does, if one of SECRETS_STORE, SECRETS_TOKEN and
// SECRETS_TOKEN_FILE is set, and nothing otherwise. If it fails, or takes longer
// than 30 seconds, the program ends with status 1 and a line on the standard error
// that says why: it would run without what it needs.
//
// Packages are initialized in the order of their imports: those that read the
// environment while they are, and do not import this one, may see it as it was.
package autoload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
)

const timeout = 30 * time.Second

func init() { // what this package is for
	if !asked() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if _, err := fromenv.Load(ctx, nil); err != nil {
		fmt.Fprintln(os.Stderr, "secrets: autoload:", explain(err))
		os.Exit(1)
	}
}

// explain says whose silence it was, which the bare error of a context does not.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the store did not answer within %v: %w", timeout, err)
	}
	return err
}

func asked() bool {
	for _, variable := range []string{fromenv.StoreVariable, fromenv.TokenVariable, fromenv.TokenVariable + "_FILE"} {
		if os.Getenv(variable) != "" {
			return true
		}
	}
	return false
}
