//lint:file-ignore U1000 the fields of the structs are there to be found

package envload_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// A leaf would have the library expand what is in its variable.
type leaf struct {
	URL string `env:"URL,expand"`
}

// These make what they hold when they read themselves from a variable: that it
// is there, only the values tell.
type (
	maker struct {
		P *leaf `envPrefix:"P_"`
	}
	deepMaker struct{ In struct{ P *leaf } }
	nilMaker  struct {
		P *leaf `env:"-"`
	}
	initMaker struct {
		P *leaf `env:",init" envPrefix:"P_"`
	}
	valueMaker struct {
		V leaf `envPrefix:"P_"`
	}
	listMaker    []maker
	elementMaker []leaf
)

func (m *maker) UnmarshalText([]byte) error        { m.P = &leaf{}; return nil }
func (m *deepMaker) UnmarshalText([]byte) error    { m.In.P = &leaf{}; return nil }
func (m *nilMaker) UnmarshalText([]byte) error     { m.P = &leaf{}; return nil }
func (m *initMaker) UnmarshalText([]byte) error    { m.P = &leaf{}; return nil }
func (m *valueMaker) UnmarshalText([]byte) error   { return nil }
func (m *listMaker) UnmarshalText([]byte) error    { *m = listMaker{{P: &leaf{}}}; return nil }
func (m *elementMaker) UnmarshalText([]byte) error { *m = make(elementMaker, 3); return nil }

// wantRefusedStruct fails the test unless T is refused, and want with it.
func wantRefusedStruct[T any](t *testing.T, want string) {
	t.Helper()
	granted := vars{"F": "x", "URL": "pa$HOME", "P_URL": "pa$HOME", "F_P_URL": "pa$HOME", "F_0_URL": "pa$HOME", "F_2_URL": "pa$HOME", "F_0_P_URL": "pa$HOME"}
	_, err := envload.Parse[T](t.Context(), secretstest.Environment(t, granted), &envload.Options{Base: []string{"HOME=/root"}})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want: %s", err, want)
	}
}

func TestStructsThatAnUnmarshalTextMakesAreNotOverlooked(t *testing.T) {
	t.Parallel()
	const made = "type *envload_test.leaf: the struct cannot be filled: the UnmarshalText of a type around it may make it"
	const expanded = `secret "`
	wantRefusedStruct[struct {
		F maker `env:"F"`
	}](t, "field F.P, "+made)
	wantRefusedStruct[struct {
		F deepMaker `env:"F"`
	}](t, "field F.In.P, "+made)
	wantRefusedStruct[struct {
		F nilMaker `env:"F"`
	}](t, "field F.P, "+made)
	wantRefusedStruct[struct {
		F listMaker `env:"F" envPrefix:"F"`
	}](t, "field F[0].P, "+made)
	wantRefusedStruct[struct {
		F []maker `env:"F" envPrefix:"F"`
	}](t, "field F[0].P, "+made)
	wantRefusedStruct[struct {
		F initMaker `env:"F"`
	}](t, "P_URL (field F.P.URL, type string, "+expanded)
	wantRefusedStruct[struct {
		F valueMaker `env:"F"`
	}](t, "P_URL (field F.V.URL, type string, "+expanded)
	wantRefusedStruct[struct {
		F elementMaker `env:"F" envPrefix:"F"`
	}](t, "F_2_URL (field F[2].URL, type string, "+expanded)
}

func TestPointersThatNothingMakesStayNil(t *testing.T) {
	t.Parallel()
	type config struct {
		A    string `env:"A"`
		P    *leaf  `envPrefix:"P_"`
		Made struct{ P *leaf }
		Text hostMaker `env:"A"`
	}
	src := secretstest.Environment(t, vars{"A": "a", "URL": "pa$HOME", "P_URL": "pa$HOME"})
	c, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{}})
	if err != nil || c.P != nil || c.Made.P != nil || c.Text.Other == nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

// A hostMaker makes what has no tag.
type hostMaker struct{ Other *struct{ Host string } }

func (m *hostMaker) UnmarshalText([]byte) error { m.Other = &struct{ Host string }{}; return nil }

func TestTagsWhereTheLibraryDoesNotLookAreRefused(t *testing.T) {
	t.Parallel()
	type inner struct {
		B string `env:"B,required"`
	}
	type array struct {
		A string `env:"A"`
		L [1]inner
	}
	type arrayAlone struct{ L [1]inner }
	type mapped struct {
		A string           `env:"A"`
		L map[string]inner `envPrefix:"P_"`
	}
	type pointers struct {
		A string   `env:"A"`
		L []*inner `envPrefix:"P"`
	}
	type twice struct {
		A string  `env:"A"`
		L **inner `env:",init"`
	}
	type second struct{ In array }
	for name, test := range map[string]struct{ got, where string }{
		"array":             {parsed[array](t), "field L, type [1]envload_test.inner"},
		"array alone":       {parsed[arrayAlone](t), "field L, type [1]envload_test.inner"},
		"map":               {parsed[mapped](t), "field L, type map[string]envload_test.inner"},
		"slice of pointers": {parsed[pointers](t), "field L, type []*envload_test.inner"},
		"pointer twice":     {parsed[twice](t), "field L, type **envload_test.inner"},
		"inside":            {parsed[second](t), "field In.L, type [1]envload_test.inner"},
	} {
		const want = ": the struct cannot be filled: nothing fills the fields with an env tag in it; use a slice of structs, or one pointer to a struct"
		if test.got != test.where+want {
			t.Errorf("%s: got %q", name, test.got)
		}
	}
	type meant struct {
		A string   `env:"A"`
		L [1]inner `env:"-"`
		M [2]struct{ B string }
	}
	if got := parsed[meant](t); got != "" {
		t.Errorf("refused: %s", got)
	}
}

// A box has its parameter in its name, tags included.
type box[T any] struct{ C chan T }

func TestTypesInErrorsAreWithoutTags(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-canary"
	type withTag = struct {
		P chan int `note:"say \"p\"" env:"P" envDefault:"hunter2-canary"`
	}
	type listed struct {
		A []withTag `env:"A"`
	}
	type pointed struct {
		A map[string]*withTag `env:"A"`
	}
	type boxed struct {
		A box[withTag] `env:"A"`
	}
	type unused struct {
		A [1]withTag
	}
	type unexported struct {
		A string `env:"A"`
		b withTag
	}
	type unknown struct {
		A box[withTag] `env:"A,nonsense"`
	}
	for name, test := range map[string]struct{ got, want string }{
		"list":       {parsed[listed](t), "type []struct { P chan int }, "},
		"map":        {parsed[pointed](t), "type map[string]*struct { P chan int }, "},
		"generic":    {parsed[boxed](t), "type envload_test.box[struct { P chan int }]"},
		"array":      {parsed[unused](t), "type [1]struct { P chan int }: "},
		"unexported": {parsed[unexported](t), "type struct { P chan int }: "},
		"option":     {parsed[unknown](t), "type envload_test.box[struct { P chan int }]"},
		"no struct":  {parsed[[]withTag](t), "type []struct { P chan int }: "},
		"no tag": {parsed[struct {
			A string `json:"hunter2-canary"`
		}](t), "type struct { A string }: "},
	} {
		if strings.Contains(test.got, secret) || !strings.Contains(test.got, test.want) {
			t.Errorf("%s: got %q, want %q", name, test.got, test.want)
		}
	}
}
