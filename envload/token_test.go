package envload_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

const (
	tokenVar  = "ENVLOAD_TOKEN"
	tokenFile = "ENVLOAD_TOKEN_FILE"
)

// takeToken calls Token with these variables set, and fails if they, or any
// others, are still set afterwards.
func takeToken(t *testing.T, values vars) (secrets.Token, error) {
	t.Helper()
	unset(t, tokenVar, tokenFile)
	for name, value := range values {
		t.Setenv(name, value)
	}
	token, err := envload.Token(tokenVar)
	for _, name := range []string{tokenVar, tokenFile} {
		if _, set := os.LookupEnv(name); set {
			t.Errorf("%s is still set", name)
		}
	}
	if err != nil && !token.IsZero() {
		t.Error("a token beside an error")
	}
	return token, err
}

func writeFile(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokenComesFromTheVariableOrTheFile(t *testing.T) {
	text := tokenText(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(writeFile(t, text, 0o444), link); err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]vars{
		"variable":                    {tokenVar: text},
		"variable, file empty":        {tokenVar: text, tokenFile: ""},
		"file":                        {tokenFile: writeFile(t, text, 0o600)},
		"file, variable empty":        {tokenVar: "", tokenFile: writeFile(t, text, 0o600)},
		"file with newline":           {tokenFile: writeFile(t, text+"\n", 0o600)},
		"file with Windows newlines":  {tokenFile: writeFile(t, text+"\r\n\r\n", 0o600)},
		"readable link to a readable": {tokenFile: link},
	} {
		token, err := takeToken(t, values)
		if err != nil || token.Reveal() != text {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenSaysWhatIsWrong(t *testing.T) {
	text := tokenText(t)
	directory := t.TempDir()
	for name, test := range map[string]struct {
		values vars
		want   string
		is     error
	}{
		"neither": {nil, "ENVLOAD_TOKEN: missing: neither it nor ENVLOAD_TOKEN_FILE is set", envload.ErrMissing},
		"both empty": {vars{tokenVar: "", tokenFile: ""},
			"ENVLOAD_TOKEN: missing: neither it nor ENVLOAD_TOKEN_FILE is set", envload.ErrMissing},
		"both": {vars{tokenVar: text, tokenFile: writeFile(t, text, 0o600)},
			"ENVLOAD_TOKEN: already set: ENVLOAD_TOKEN_FILE is set too, and only one may be", envload.ErrExisting},
		"no token": {vars{tokenVar: "hunter2"},
			"ENVLOAD_TOKEN: secrets: parse token: unauthenticated: a token begins with sks1_", secrets.ErrUnauthenticated},
		"cut off": {vars{tokenVar: text[:len(text)-8]},
			"ENVLOAD_TOKEN: secrets: parse token: unauthenticated: its checksum does not match; it is cut off or mistyped", secrets.ErrUnauthenticated},
		"no token in the file": {vars{tokenFile: writeFile(t, "", 0o600)},
			"ENVLOAD_TOKEN_FILE: secrets: parse token: unauthenticated: it is empty", secrets.ErrUnauthenticated},
		"no file": {vars{tokenFile: filepath.Join(directory, "absent")},
			"ENVLOAD_TOKEN_FILE: the file that it names cannot be read: no such file or directory", os.ErrNotExist},
		"directory": {vars{tokenFile: directory}, "ENVLOAD_TOKEN_FILE: the file that it names is not a regular file", nil},
		"endless":   {vars{tokenFile: "/dev/zero"}, "ENVLOAD_TOKEN_FILE: the file that it names is not a regular file", nil},
		"too large": {vars{tokenFile: writeFile(t, text+strings.Repeat("\n", 4096), 0o600)},
			"ENVLOAD_TOKEN_FILE: the file that it names has more than 4 KiB, so it is no token", nil},
	} {
		_, err := takeToken(t, test.values)
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: got %v", name, err)
		}
		if got := problems(t, err); len(got) != 1 || got[0] != test.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, test.want)
		}
	}
}

func TestTokenTakesNamesOfVariablesOnly(t *testing.T) {
	for _, name := range []string{"", "A=B", "A B"} {
		if _, err := envload.Token(name); !errors.Is(err, secrets.ErrInvalidEnv) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	unset(t, "SECRETS_TOKEN")
	if _, err := envload.Token("SECRETS_TOKEN"); !errors.Is(err, envload.ErrMissing) {
		t.Errorf("the name of the family that no secret may go to: %v", err)
	}
}

func TestChildrenDoNotInheritTheToken(t *testing.T) {
	text := tokenText(t)
	if _, err := takeToken(t, vars{tokenVar: text}); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(child(t, nil), func(s string) bool { return strings.Contains(s, text) }) {
		t.Error("the child has it")
	}
}
