package envload

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/internal/regular"
)

// maxTokenFile is far above the length of any token.
const maxTokenFile = 4 << 10

// Token returns the token in the environment variable name, or in the file that
// the variable name_FILE names, as orchestrators mount secrets. One of the two
// must be set, and not both; an empty one counts as not set. Newlines at the end
// of the file are dropped.
//
// It unsets both variables, also when it fails, so that neither child processes
// nor the program's own dumps of its environment show the token. The
// environment that the process was started with remains readable in
// /proc/PID/environ for the same user, so a file is the better way.
//
// The file must be a regular one of at most 4 KiB. Symbolic links are followed,
// since the files of mounted Kubernetes secrets are links, and the mode is not
// looked at, since they, and those of Docker, are readable by all in a container
// that has but one user.
//
// Errors name the variable, and never the path: a token put in name_FILE by
// mistake would be one. Call Token once, at the start of main, before other
// goroutines run: see [Load].
func Token(name string) (secrets.Token, error) {
	if err := secrets.CheckEnv(name, name); err != nil {
		return secrets.Token{}, &Error{Problems: []Problem{{Err: err}}}
	}
	nameFile := name + "_FILE"
	text, path := os.Getenv(name), os.Getenv(nameFile)
	for _, variable := range []string{name, nameFile} {
		if err := os.Unsetenv(variable); err != nil {
			return secrets.Token{}, tokenError(variable, fmt.Errorf("cannot be unset: %w", cause(err)))
		}
	}
	switch {
	case text != "" && path != "":
		return secrets.Token{}, tokenError(name, fmt.Errorf("%w: %s is set too, and only one may be", ErrExisting, nameFile))
	case text != "":
		return parseToken(name, text)
	case path != "":
		return readToken(nameFile, path)
	default:
		return secrets.Token{}, tokenError(name, fmt.Errorf("%w: neither it nor %s is set", ErrMissing, nameFile))
	}
}

func readToken(variable, path string) (secrets.Token, error) {
	text, err := readTokenFile(path)
	if err != nil {
		return secrets.Token{}, tokenError(variable, fmt.Errorf("the file that it names %w", err))
	}
	return parseToken(variable, strings.TrimRight(text, "\r\n"))
}

func readTokenFile(path string) (string, error) {
	file, _, err := regular.Open(path)
	switch {
	case errors.Is(err, regular.Err):
		return "", fmt.Errorf("is %w", err)
	case err != nil:
		return "", fmt.Errorf("cannot be read: %w", cause(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", cause(err))
	}
	if len(text) > maxTokenFile {
		return "", errTooLargeForToken
	}
	return string(text), nil
}

func parseToken(variable, text string) (secrets.Token, error) {
	token, err := secrets.ParseToken(text)
	if err != nil {
		return secrets.Token{}, tokenError(variable, err)
	}
	return token, nil
}

func tokenError(variable string, err error) error {
	return newError([]Problem{{Env: variable, Err: err}})
}

var errTooLargeForToken = errors.New("has more than 4 KiB, so it is no token")
