package envload_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// refusal parses T, with values from secrets and base beside them, and returns
// what is wrong with it.
func refusal[T any](t *testing.T, values vars, base ...string) []string {
	t.Helper()
	if base == nil {
		base = []string{}
	}
	_, err := envload.Parse[T](t.Context(), secretstest.Environment(t, values), &envload.Options{Base: base})
	if err == nil {
		return nil
	}
	if !errors.Is(err, envload.ErrStruct) {
		t.Errorf("got %v", err)
	}
	return problems(t, err)
}

// The structs hold the option at each place where the library finds a field.
func TestOptionsThatMisuseASecretAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	type leaf struct {
		X string `env:"X,expand"`
	}
	type viaDefault struct {
		X string `env:"X,expand" envDefault:"$HOME"`
	}
	type untagged struct {
		X string `env:",expand"`
	}
	type inner struct{ leaf }
	type anonymous struct {
		N struct {
			X string `env:"X,expand"`
		} `env:"-"` // which the library does not look at here
	}
	type exported struct{ Embedded2 }
	type deep struct {
		List []struct {
			Leaf *leaf `env:",init" envPrefix:"L_"`
		} `envPrefix:"P_"`
	}
	tests := map[string]struct {
		refused func(*testing.T) []string
		field   string
	}{
		"plain":          {func(t *testing.T) []string { return refusal[leaf](t, vars{"X": "s"}) }, "X (field X,"},
		"with a default": {func(t *testing.T) []string { return refusal[viaDefault](t, vars{"X": "s"}) }, "X (field X,"},
		"named struct":   {func(t *testing.T) []string { return refusal[struct{ N leaf }](t, vars{"X": "s"}) }, "X (field N.X,"},
		"embedded":       {func(t *testing.T) []string { return refusal[exported](t, vars{"X": "s"}) }, "X (field Embedded2.X,"},
		"prefixed": {func(t *testing.T) []string {
			return refusal[struct {
				N leaf `envPrefix:"P_"`
			}](t, vars{"P_X": "s"})
		}, "P_X (field N.X,"},
		"anonymous struct": {func(t *testing.T) []string {
			return refusal[struct {
				N struct {
					X string `env:"X,expand"`
				} `envPrefix:"P"`
			}](t, vars{"PX": "s"})
		}, "PX (field N.X,"},
		"initialized pointer": {func(t *testing.T) []string {
			return refusal[struct {
				N *leaf `env:",init" envPrefix:"P_"`
			}](t, vars{"P_X": "s"})
		}, "P_X (field N.X,"},
		"slice": {func(t *testing.T) []string {
			return refusal[struct {
				N []leaf `envPrefix:"P"`
			}](t, vars{"P_0_X": "-", "P_1_X": "s"})
		}, "P_1_X (field N[1].X,"},
		"pointer to slice": {func(t *testing.T) []string {
			return refusal[struct {
				N *[]leaf `envPrefix:"P_"`
			}](t, vars{"P_0_X": "s"})
		}, "P_0_X (field N[0].X,"},
		"slice, no prefix": {func(t *testing.T) []string { return refusal[struct{ N []leaf }](t, vars{"A": "", "B": ""}, "0_X=s") }, ""},
		"deep":             {func(t *testing.T) []string { return refusal[deep](t, vars{"P_0_L_X": "s"}) }, "P_0_L_X (field List[0].Leaf.X,"},
		"no name of its own": {func(t *testing.T) []string {
			return refusal[struct {
				N untagged `envPrefix:"P"`
			}](t, vars{"P": "s"})
		}, "P (field N.X,"},
		"anonymous, tag has no effect": {func(t *testing.T) []string { return refusal[anonymous](t, vars{"X": "s"}) }, "X (field N.X,"},

		"embedded, unexported":   {func(t *testing.T) []string { return refusal[inner](t, vars{"X": "s"}) }, "field leaf,"},
		"pointer that stays nil": {func(t *testing.T) []string { return refusal[struct{ N *leaf }](t, vars{"X": "s"}) }, ""},
		"ignored": {func(t *testing.T) []string {
			return refusal[struct {
				N leaf `env:"-"`
			}](t, vars{"X": "s"})
		}, ""},
		"ignored by option": {func(t *testing.T) []string {
			return refusal[struct {
				N leaf `env:",-"`
			}](t, vars{"X": "s"})
		}, ""},
		"not from a secret":        {func(t *testing.T) []string { return refusal[leaf](t, vars{"Y": "s"}, "X=s") }, ""},
		"kept instead of a secret": {func(t *testing.T) []string { return refusal[leaf](t, vars{"X": "s"}, "X=s") }, ""},
		"default instead":          {func(t *testing.T) []string { return refusal[viaDefault](t, vars{"Y": "s"}) }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(test.refused(t), "; ")
			if test.field == "" && got != "" {
				t.Errorf("refused: %s", got)
			}
			if !strings.Contains(got, test.field) {
				t.Errorf("got %q, want something of %q", got, test.field)
			}
		})
	}
}

// Embedded2 is embedded and exported, so that the library looks into it.
type Embedded2 struct {
	X string `env:"X,expand"`
}

func TestEachOptionThatMisusesASecretIsRefused(t *testing.T) {
	t.Parallel()
	type config struct {
		E string `env:"E,expand"`
		F string `env:"F,required,file"`
		U string `env:"U,unset,notEmpty"`
		M string `env:"M,file,expand"`
		T string `env:"T,typo"`
	}
	file := filepath.Join(t.TempDir(), "file")
	src := secretstest.Environment(t, vars{"E": "$HOME", "F": file, "U": "x", "M": "x", "T": "x"})
	_, err := envload.Parse[config](t.Context(), src, nil)
	wantProblems(t, err,
		`E (field E, type string, secret "e"): the struct cannot be filled: the option expand of its tag may not be used on a secret`,
		`F (field F, type string, secret "f"): the struct cannot be filled: the option file of its tag may not be used on a secret`,
		`M (field M, type string, secret "m"): the struct cannot be filled: the option expand of its tag may not be used on a secret`,
		`M (field M, type string, secret "m"): the struct cannot be filled: the option file of its tag may not be used on a secret`,
		`T (field T, type string, secret "t"): the struct cannot be filled: its tag has the unknown option "typo"`,
		`U (field U, type string, secret "u"): the struct cannot be filled: the option unset of its tag may not be used on a secret`,
	)
}

func TestRefusedOptionsHaveNoEffect(t *testing.T) {
	t.Setenv("ENVLOAD_A", "old")
	type config struct {
		A string `env:"ENVLOAD_A,unset"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "x"})
	_, err := envload.Parse[config](t.Context(), src, &envload.Options{Existing: envload.Overwrite})
	if !errors.Is(err, envload.ErrStruct) {
		t.Errorf("got %v", err)
	}
	_, err = envload.Parse[config](t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: []string{"ENVLOAD_A=base"}})
	wantProblems(t, err, `ENVLOAD_A (field A, type string): the struct cannot be filled: the option unset of its tag may not be used with Base`)
	if got := os.Getenv("ENVLOAD_A"); got != "old" {
		t.Errorf("got %q", got)
	}
	got, err := envload.Parse[config](t.Context(), src, nil)
	if err != nil || got.A != "old" {
		t.Errorf("got %q, %v", got.A, err)
	}
	if _, set := os.LookupEnv("ENVLOAD_A"); set {
		t.Error("unset has no effect where it is allowed")
	}
}

func TestOptionsWorkOnWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	type config struct {
		Host string `env:"HOST" envDefault:"localhost"`
		URL  string `env:"URL,expand" envDefault:"http://${HOST}:${PORT}/"`
		File string `env:"FILE,file"`
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := secretstest.Environment(t, vars{"SECRET": "x"})
	got, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{"PORT=80", "FILE=" + file}})
	if err != nil || got != (config{"localhost", "http://localhost:80/", "content"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A default that refers to a secret would mangle it: the library expands what
// it puts in as well.
func TestExpansionDoesNotReachASecret(t *testing.T) {
	t.Parallel()
	type direct struct {
		DSN string `env:"DSN,expand" envDefault:"postgres://app:${PASSWORD}@db"`
	}
	type viaVariable struct {
		DSN string `env:"DSN,expand" envDefault:"$HOST"`
	}
	type viaDefault struct {
		User string `env:"USERINFO" envDefault:"app:$PASSWORD"`
		DSN  string `env:"DSN,expand" envDefault:"postgres://${USERINFO}@db"`
	}
	type viaItself struct {
		DSN string `env:"DSN,expand" envDefault:"${DSN}$A"`
	}
	secret := vars{"PASSWORD": "pa$$word"}
	const want = `DSN (field DSN, type string): the struct cannot be filled: the option expand of its tag would expand the secret in PASSWORD in turn`
	for name, got := range map[string][]string{
		"default":            refusal[direct](t, secret),
		"through a variable": refusal[viaVariable](t, secret, "HOST=${PORT}", "PORT=$PASSWORD"),
		"through a default":  refusal[viaDefault](t, secret),
		"of a variable":      refusal[direct](t, secret, "DSN=a$PASSWORD"),
		"through a cycle":    refusal[viaItself](t, secret, "A=$B", "B=$A$PASSWORD"),
	} {
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := refusal[viaItself](t, secret, "A=$B", "B=$A$DSN"); got != nil {
		t.Errorf("a cycle without a secret: %q", got)
	}
	if got := refusal[direct](t, secret, "DSN=a"); got != nil {
		t.Errorf("a default that is not used: %q", got)
	}
	if got := refusal[direct](t, secret, "PASSWORD=kept"); got != nil {
		t.Errorf("a variable that is kept: %q", got)
	}
}

func TestAFieldThatRefusesThePlaceholder(t *testing.T) {
	t.Parallel()
	src := secretstest.Environment(t, vars{"A": secrets.Redacted})
	_, err := envload.Parse[one[secrets.Value]](t.Context(), src, nil)
	wantProblems(t, err, `A (field A, type secrets.Value, secret "a"): the value does not parse`)
}
