package envload_test

import (
	"errors"
	"math"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// A textual is a type that reads itself from text.
type textual struct{ Text string }

func (t *textual) UnmarshalText(text []byte) error {
	if string(text) == "refused" {
		return errors.New("textual: refused: " + string(text))
	}
	t.Text = "<" + string(text) + ">"
	return nil
}

type (
	port     uint16
	password string
)

// wantParse parses T from vars, as secrets, and compares.
func wantParse[T any](t *testing.T, values vars, want T) {
	t.Helper()
	got, err := envload.Parse[T](t.Context(), secretstest.Environment(t, values), &envload.Options{Base: []string{}})
	if err != nil {
		t.Errorf("%T: %v", want, err)
		return
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b url.Userinfo) bool { return a == b })); diff != "" {
		t.Errorf("%T (-want +got):\n%s", want, diff)
	}
}

// A one is a struct with one field, from the variable A.
type one[T any] struct {
	A T `env:"A"`
}

func wantOne[T any](t *testing.T, value string, want T) {
	t.Helper()
	wantParse(t, vars{"A": value}, one[T]{want})
	wantParse(t, vars{"A": value}, one[*T]{&want})
}

func TestParseTakesEveryType(t *testing.T) {
	t.Parallel()
	wantOne(t, "true", true)
	wantOne(t, "-2147483648", math.MinInt32)
	wantOne[int8](t, "-128", math.MinInt8)
	wantOne[int16](t, "-32768", math.MinInt16)
	wantOne[int32](t, "-2147483648", math.MinInt32)
	wantOne[int64](t, "-9223372036854775808", math.MinInt64)
	wantOne[uint](t, "4294967295", math.MaxUint32)
	wantOne[uint8](t, "255", math.MaxUint8)
	wantOne[uint16](t, "65535", math.MaxUint16)
	wantOne[uint32](t, "4294967295", math.MaxUint32)
	wantOne[uint64](t, "18446744073709551615", math.MaxUint64)
	wantOne[float32](t, "1.5", 1.5)
	wantOne(t, "-1e300", -1e300)
	wantOne(t, "text", "text")
	wantOne[port](t, "5432", 5432)
	wantOne[password](t, "x", "x")
	wantOne(t, "1m30s", 90*time.Second)
	wantOne(t, "2026-01-02T03:04:05Z", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	wantOne(t, "postgres://u:p@h:1/db?a=b", url.URL{
		Scheme: "postgres", User: url.UserPassword("u", "p"), Host: "h:1", Path: "/db", RawQuery: "a=b",
	})
	wantOne(t, "x", textual{"<x>"})
	wantOne(t, "x", secrets.Text("x"))
}

func TestParseTakesSlicesAndMaps(t *testing.T) {
	t.Parallel()
	x, y, n := "x", "y", 7
	wantParse(t, vars{"A": "x,y, z"}, one[[]string]{[]string{"x", "y", " z"}})
	wantParse(t, vars{"A": "x,y"}, one[[]*string]{[]*string{&x, &y}})
	wantParse(t, vars{"A": "7"}, one[[]*int]{[]*int{&n}})
	wantParse(t, vars{"A": "true,false"}, one[[]bool]{[]bool{true, false}})
	wantParse(t, vars{"A": "1,2,255"}, one[[]byte]{[]byte{1, 2, 255}})
	wantParse(t, vars{"A": "1s,2s"}, one[[]time.Duration]{[]time.Duration{time.Second, 2 * time.Second}})
	wantParse(t, vars{"A": "x,y"}, one[[]textual]{[]textual{{"<x>"}, {"<y>"}}})
	wantParse(t, vars{"A": "x,y"}, one[[]*textual]{[]*textual{{"<x>"}, {"<y>"}}})
	wantParse(t, vars{"A": "x,y"}, one[[]secrets.Value]{[]secrets.Value{secrets.Text("x"), secrets.Text("y")}})
	wantParse(t, vars{"A": "http://a,http://b"}, one[[]url.URL]{[]url.URL{{Scheme: "http", Host: "a"}, {Scheme: "http", Host: "b"}}})
	wantParse(t, vars{"A": "x:1,y:2:3"}, one[map[string]string]{map[string]string{"x": "1", "y": "2:3"}})
	wantParse(t, vars{"A": "1:1s"}, one[map[int]time.Duration]{map[int]time.Duration{1: time.Second}})

	type separated struct {
		List []string          `env:"LIST" envSeparator:";"`
		Map  map[string]string `env:"MAP" envSeparator:"|" envKeyValSeparator:"=>"`
	}
	wantParse(t, vars{"LIST": "a,b;c", "MAP": "a=>1,2|b=>:"},
		separated{List: []string{"a,b", "c"}, Map: map[string]string{"a": "1,2", "b": ":"}})
}

func TestParseTakesALocation(t *testing.T) {
	t.Parallel()
	got, err := envload.Parse[one[*time.Location]](t.Context(), secretstest.Environment(t, vars{"A": "UTC"}), nil)
	if err != nil || got.A.String() != "UTC" {
		t.Errorf("got %v, %v", got.A, err)
	}
}

type Embedded struct {
	Inside string `env:"INSIDE"`
}

type database struct {
	URL      string `env:"URL"`
	Replicas []struct {
		URL string `env:"URL"`
	} `envPrefix:"REPLICAS"`
}

func TestParseTakesNestedStructs(t *testing.T) {
	t.Parallel()
	type config struct {
		Embedded
		Plain     database
		Main      database   `envPrefix:"MAIN_"`
		Made      *database  `env:",init" envPrefix:"MADE_"`
		NotMade   *database  `envPrefix:"NOT_"`
		Shards    []database `envPrefix:"SHARD"`
		Anonymous struct {
			Deep struct {
				Value secrets.Value `env:"VALUE"`
			} `envPrefix:"B_"`
		} `envPrefix:"A_"`
		Ignored  string `env:"-"`
		unseen   string `env:"-"` //lint:ignore U1000 it must be left alone
		Untagged string
	}
	values := vars{
		"INSIDE": "1", "URL": "2", "MAIN_URL": "3", "MADE_URL": "4", "NOT_URL": "5",
		"SHARD_0_URL": "6", "SHARD_1_URL": "7", "SHARD_1_REPLICAS_0_URL": "8",
		"A_B_VALUE": "9",
	}
	want := config{
		Embedded: Embedded{"1"},
		Plain:    database{URL: "2"},
		Main:     database{URL: "3"},
		Made:     &database{URL: "4"},
		Shards:   []database{{URL: "6"}, {URL: "7"}},
	}
	want.Shards[1].Replicas = []struct {
		URL string `env:"URL"`
	}{{URL: "8"}}
	want.Anonymous.Deep.Value = secrets.Text("9")
	got, err := envload.Parse[config](t.Context(), secretstest.Environment(t, values), &envload.Options{Base: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGodotenv127ParseLeavesValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	values := []string{
		"pa$$word$HOME", "${PATH}", "$(id)", "# not a comment", "a #b", `"quoted"`, `'single'`, "`back`",
		"line\nline\r\n", " spaces ", "\ttab\t", "caf\u00e9 \U0001f511", "\xff\xfe\x80", "\\n\\", "=", "a=b", ",", ":", "%20+",
	}
	type config struct {
		Text  string        `env:"A"`
		Value secrets.Value `env:"A"`
		Ptr   *string       `env:"A"`
	}
	for _, value := range values {
		wantParse(t, vars{"A": value}, config{value, secrets.Text(value), &value})
	}
}

func TestParseUsesDefaultsForWhatIsAbsentOrEmpty(t *testing.T) {
	t.Parallel()
	type config struct {
		Absent string `env:"ABSENT" envDefault:"one"`
		Empty  string `env:"EMPTY" envDefault:"two"`
		Here   string `env:"HERE" envDefault:"three"`
		Home   string `env:"BIN,expand" envDefault:"${ROOT}/bin"`
	}
	src := secretstest.Environment(t, vars{"EMPTY": "", "HERE": "here"})
	got, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{"ROOT=/usr"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config{"one", "two", "here", "/usr/bin"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseReadsTheEnvironmentForTheRestAndLeavesItAlone(t *testing.T) {
	t.Setenv("ENVLOAD_REST", "from the environment")
	unset(t, "ENVLOAD_A")
	type config struct {
		A    string `env:"ENVLOAD_A"`
		Rest string `env:"ENVLOAD_REST"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "from a secret"})
	before := os.Environ()
	got, err := envload.Parse[config](t.Context(), src, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config{"from a secret", "from the environment"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Error("the environment changed")
	}
	got, err = envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config{A: "from a secret"}, got); diff != "" {
		t.Errorf("with an empty Base (-want +got):\n%s", diff)
	}
}

func TestParseTellsWhatIsWrongWithEachField(t *testing.T) {
	t.Parallel()
	type node struct {
		Port int `env:"PORT"`
	}
	type config struct {
		Main    node     `envPrefix:"MAIN_"`
		Other   node     `envPrefix:"OTHER_"`
		Third   node     `envPrefix:"THIRD_"`
		Nodes   []node   `envPrefix:"NODE"`
		Needed  string   `env:"NEEDED,required"`
		Full    string   `env:"FULL,notEmpty"`
		File    string   `env:"FILE,file"`
		Channel chan int `env:"CHANNEL"`
		Default int      `env:"DEFAULT" envDefault:"none"`
	}
	src := secretstest.Environment(t, vars{
		"MAIN_PORT": "1", "OTHER_PORT": "hunter2", "THIRD_PORT": "hunter3",
		"NODE_0_PORT": "2", "NODE_1_PORT": "hunter4", "NODE_2_PORT": "hunter5", "CHANNEL": "x", "FULL": "",
	})
	got, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{"FILE=/nowhere/at/all"}})
	wantProblems(t, err,
		`CHANNEL (field Channel, type chan int, secret "channel"): the struct cannot be filled: its type cannot be read from a variable`,
		`DEFAULT (field Default, type int): the value does not parse`,
		`FILE (field File, type string): the file that it names cannot be read: no such file or directory`,
		`FULL (field Full, type string, secret "full"): missing: it is empty`,
		`NEEDED (field Needed, type string): missing: it is neither granted nor set`,
		`NODE_1_PORT (field Nodes[1].Port, type int, secret "node-1-port"): the value does not parse`,
		`NODE_2_PORT (field Nodes[2].Port, type int, secret "node-2-port"): the value does not parse`,
		`OTHER_PORT (field Other.Port, type int, secret "other-port"): the value does not parse`,
		`THIRD_PORT (field Third.Port, type int, secret "third-port"): the value does not parse`,
	)
	for _, is := range []error{envload.ErrParse, envload.ErrMissing, envload.ErrStruct, os.ErrNotExist} {
		if !errors.Is(err, is) {
			t.Errorf("the error is not %v", is)
		}
	}
	if diff := cmp.Diff(config{}, got); diff != "" {
		t.Error("a part of the struct came back")
	}
}

func TestParseTellsProblemsOfRulesAndOfFieldsAtOnce(t *testing.T) {
	t.Parallel()
	src := secretstest.Environment(t, vars{"A": "x", "PATH": "x"})
	_, err := envload.Parse[one[int]](t.Context(), src, &envload.Options{Base: []string{}, Required: []string{"B"}})
	if got := problems(t, err); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestParseTakesStructsOnly(t *testing.T) {
	t.Parallel()
	src := secretstest.Environment(t, vars{"A": "x"})
	_, number := envload.Parse[int](t.Context(), src, nil)
	_, pointer := envload.Parse[*one[string]](t.Context(), src, nil)
	_, values := envload.Parse[map[string]string](t.Context(), src, nil)
	_, anything := envload.Parse[any](t.Context(), src, nil)
	for _, err := range []error{number, pointer, values, anything} {
		if !errors.Is(err, envload.ErrStruct) || !strings.Contains(err.Error(), "Parse takes a struct") {
			t.Errorf("got %v", err)
		}
	}
	wantProblems(t, number, "type int: the struct cannot be filled: Parse takes a struct")
}

// A cycle would be made for ever: the library overflows the stack.
type cycle struct {
	Name string `env:"NAME"`
	Next *cycle `env:",init" envPrefix:"NEXT_"`
}

type longCycle struct {
	Between struct {
		Next *longCycle `env:",init"`
	}
}

// A tree ends, since each level needs longer variables.
type tree struct {
	Name     string `env:"NAME"`
	Children []tree `envPrefix:"CHILD"`
	Parent   *tree
}

func TestParseRefusesStructsWithoutEnd(t *testing.T) {
	t.Parallel()
	src := secretstest.Environment(t, vars{"NAME": "a", "CHILD_0_NAME": "b", "CHILD_0_CHILD_0_NAME": "c"})
	_, short := envload.Parse[cycle](t.Context(), src, nil)
	wantProblems(t, short, "field Next, type envload_test.cycle: the struct cannot be filled: it holds itself by the option init of its tag")
	_, long := envload.Parse[longCycle](t.Context(), src, nil)
	wantProblems(t, long, "field Between.Next, type envload_test.longCycle: the struct cannot be filled: it holds itself by the option init of its tag")
	got, err := envload.Parse[tree](t.Context(), src, &envload.Options{Base: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	want := tree{Name: "a", Children: []tree{{Name: "b", Children: []tree{{Name: "c"}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type panicking struct{ Text string }

func (p *panicking) UnmarshalText(text []byte) error { panic("cannot take " + string(text)) }

func TestParseReportsAPanicAsAnError(t *testing.T) {
	t.Parallel()
	type config struct {
		A string    `env:"A"`
		B panicking `env:"B"`
		C int       `env:"C"`
	}
	src := secretstest.Environment(t, vars{"A": "a", "B": "hunter2", "C": "hunter2"})
	got, err := envload.Parse[config](t.Context(), src, &envload.Options{Base: []string{}})
	wantProblems(t, err,
		`B (field B, type envload_test.panicking, secret "b"): the value does not parse: its UnmarshalText panics`,
		`C (field C, type int, secret "c"): the value does not parse`)
	if got != (config{}) {
		t.Error("a part of the struct came back")
	}
}

func TestParseNamesTheFieldOfADerivedValue(t *testing.T) {
	t.Parallel()
	type number struct {
		A int `env:"A,expand" envDefault:"$WORD"`
		B int `env:"B,expand" envDefault:"$SEVEN"`
	}
	type broken struct {
		P panicking `env:"P" envDefault:"hunter2"`
	}
	type config struct {
		First  number `envPrefix:"FIRST_"`
		Second number `envPrefix:"SECOND_"`
		Third  broken
	}
	base := []string{"WORD=hunter2", "SEVEN=7", "SECOND_A=$SEVEN"}
	_, err := envload.Parse[config](t.Context(), secretstest.Environment(t, nil), &envload.Options{Base: base})
	wantProblems(t, err,
		`FIRST_A (field First.A, type int): the value does not parse`,
		`P (field Third.P, type envload_test.panicking): the value does not parse: its UnmarshalText panics`)
}

// A moody type fails only the first time, so that nothing is found afterwards.
type moody struct{}

var moodyCalls int // of the one test below

func (m *moody) UnmarshalText(text []byte) error {
	if moodyCalls++; moodyCalls == 1 {
		return errors.New(string(text))
	}
	return nil
}

func TestParseNamesTheFieldThatFailsOnlyOnce(t *testing.T) {
	moodyCalls = 0
	type config struct {
		In one[moody] `envPrefix:"X_"`
	}
	_, err := envload.Parse[config](t.Context(), secretstest.Environment(t, vars{"X_A": "hunter2"}), nil)
	wantProblems(t, err, "field A, type envload_test.moody: the value does not parse")
}
