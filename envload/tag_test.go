//lint:file-ignore U1000 the fields of the structs are there to be found

package envload_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// parsed returns the problems of a T that is parsed from A and P_A.
func parsed[T any](t *testing.T) string {
	t.Helper()
	return strings.Join(refusal[T](t, vars{"A": "a", "P_A": "b"}), "; ")
}

type hidden struct {
	A string `env:"A"`
}

// The library leaves such fields empty and says nothing.
func TestFieldsThatAreNotExportedAreRefusedIfTheyAreMeant(t *testing.T) {
	t.Parallel()
	type plain struct {
		B string `env:"B"`
		a string `env:"A"`
	}
	type secondLevel struct{ In plain }
	type withPrefix struct {
		B string  `env:"B"`
		a *hidden `envPrefix:"P_"`
	}
	type embedded struct{ hidden }
	type untagged struct {
		B string `env:"B"`
		a hidden
	}
	type unnamed struct {
		a struct {
			A string `env:"A"`
		}
	}
	type element struct {
		List []plain `envPrefix:"P"`
		Next *plain  `env:",init"`
	}
	for name, test := range map[string]struct{ got, field string }{
		"tagged":        {parsed[plain](t), "field a, type string"},
		"inside":        {parsed[secondLevel](t), "field In.a, type string"},
		"with a prefix": {parsed[withPrefix](t), "field a, type *envload_test.hidden"},
		"embedded":      {parsed[embedded](t), "field hidden, type envload_test.hidden"},
		"untagged":      {parsed[untagged](t), "field a, type envload_test.hidden"},
		"unnamed type":  {parsed[unnamed](t), "field a, type struct"},
		"of a pointer":  {parsed[element](t), "field Next.a, type string"},
	} {
		const want = `: the struct cannot be filled: it is not exported, so that nothing can set it; export it, or tag it env:"-"`
		if !strings.HasPrefix(test.got, test.field) || !strings.HasSuffix(test.got, want) {
			t.Errorf("%s: got %q, want %s", name, test.got, test.field)
		}
	}
}

func TestFieldsThatAreNotExportedAreLeftAloneOtherwise(t *testing.T) {
	t.Parallel()
	type node struct {
		A     string `env:"A"`
		count int
		own   *hidden
		list  []hidden
		raw   hidden `env:"-"`
		copy  hidden `env:",-"`
	}
	if got := parsed[node](t); got != "" {
		t.Errorf("refused: %s", got)
	}
}

func TestAStructWithoutATagIsRefused(t *testing.T) {
	t.Parallel()
	type jsonTags struct {
		A string `json:"A"`
	}
	type inner struct{ In jsonTags }
	type ignored struct {
		A string `env:"-"`
	}
	type cycle struct {
		A    string
		Next *cycle
	}
	for name, test := range map[string]struct{ got, kind string }{
		"no tags":       {parsed[jsonTags](t), "jsonTags"},
		"none inside":   {parsed[inner](t), "inner"},
		"ignored alone": {parsed[ignored](t), "ignored"},
		"a cycle":       {parsed[cycle](t), "cycle"},
	} {
		want := "type envload_test." + test.kind + ": the struct cannot be filled: no field of it has an env tag"
		if test.got != want {
			t.Errorf("%s: got %q, want %q", name, test.got, want)
		}
	}
	type nested struct {
		Nodes []struct {
			In *hidden `env:",init"`
		} `envPrefix:"NODE"`
	}
	for name, got := range map[string]string{"nested": parsed[nested](t), "empty": parsed[struct{}](t)} {
		if got != "" {
			t.Errorf("%s: refused: %s", name, got)
		}
	}
}

// So the documentation says both: an empty variable outside is kept, and would
// take the place of the secret.
func TestRequiredAsksForAVariableAndNotEmptyForAValue(t *testing.T) {
	t.Parallel()
	type config struct {
		Required string `env:"REQUIRED,required"`
		NotEmpty string `env:"NOT_EMPTY,notEmpty"`
		Both     string `env:"BOTH,required,notEmpty"`
	}
	src := secretstest.Environment(t, vars{"REQUIRED": "x", "NOT_EMPTY": "x", "BOTH": "x"})
	_, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{"REQUIRED=", "NOT_EMPTY=", "BOTH="}})
	wantProblems(t, err,
		"BOTH (field Both, type string): missing: it is empty"+outside,
		"NOT_EMPTY (field NotEmpty, type string): missing: it is empty"+outside)
	_, err = envload.Parse[config](t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: []string{}})
	wantProblems(t, err,
		"BOTH (field Both, type string): missing: it is neither granted nor set",
		"NOT_EMPTY (field NotEmpty, type string): missing: it is empty",
		"REQUIRED (field Required, type string): missing: it is neither granted nor set")
}

func TestASecretInAListOfBytesIsExplained(t *testing.T) {
	t.Parallel()
	type config struct {
		Key []byte `env:"KEY"`
	}
	src := secretstest.Environment(t, vars{"KEY": "hunter2"})
	_, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{}})
	wantProblems(t, err, `KEY (field Key, type []uint8, secret "key"): the value does not parse: the library reads a []byte as a list of numbers; take secrets.Value`)
}
