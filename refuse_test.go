package secrets_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// Most names hold a canary: values have been passed where a name was meant.
var badNames = []struct {
	what, name string
	offset     int
	rule       string
}{
	{"empty", "", 0, "it is empty"},
	{"64 bytes", strings.Repeat("a", 64), 63, "it is longer than 63 bytes"},
	{"very long", canary + strings.Repeat("a", 1<<20), 63, "it is longer than 63 bytes"},
	{"leading dash", "-" + canary, 0, "a dash may not stand at either end"},
	{"trailing dash", canary + "-", len(canary), "a dash may not stand at either end"},
	{"dash alone", "-", 0, "a dash may not stand at either end"},
	{"upper case", "C" + canary[1:], 0, onlyLabels},
	{"upper case at the end", canary + "A", len(canary), onlyLabels},
	{"underscore", canary + "_a", len(canary), onlyLabels},
	{"leading space", " " + canary, 0, onlyLabels},
	{"trailing space", canary + " ", len(canary), onlyLabels},
	{"newline", canary + "\n", len(canary), onlyLabels},
	{"NUL", canary + "\x00", len(canary), onlyLabels},
	{"slash", canary + "/a", len(canary), onlyLabels},
	{"leading slash", "/" + canary, 0, onlyLabels},
	{"backslash", canary + `\a`, len(canary), onlyLabels},
	{"dot", canary + ".a", len(canary), onlyLabels},
	{"dot segment", ".", 0, onlyLabels},
	{"dot segments", "..", 0, onlyLabels},
	{"dot segments within", canary + "/../a", len(canary), onlyLabels},
	{"escaped slash", canary + "%2fa", len(canary), onlyLabels},
	{"tilde", "~", 0, onlyLabels},
	{"Cyrillic a", "c\u0430nary-7f3a9c", 1, onlyLabels},
	{"full-width a", "c\uff41nary-7f3a9c", 1, onlyLabels},
	{"Kelvin sign, k in lower case", "canary-\u212a7f3a9c", 7, onlyLabels},
	{"hyphen of Unicode", "canary\u20107f3a9c", 6, onlyLabels},
	{"zero-width joiner", canary + "\u200d", len(canary), onlyLabels},
	{"combining accent", canary + "e\u0301", len(canary) + 1, onlyLabels},
	{"superscript digit", canary + "\u00b2", len(canary), onlyLabels},
	{"not UTF-8", canary + "\xff", len(canary), onlyLabels},
}

const onlyLabels = "only lower-case letters, digits and dashes are allowed"

// TestBadNamesAreRefusedByEveryCall is not parallel: it captures what is
// printed. The name itself is in no error.
func TestBadNamesAreRefusedByEveryCall(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	for _, bad := range badNames {
		t.Run(bad.what, func(t *testing.T) {
			name := secrets.Name(bad.name)
			rule := secrets.NameError{Offset: bad.offset, Rule: bad.rule}
			calls := slices.Concat(
				clientCalls(f.client, name), secretCalls(f.org, name), serviceCalls(f.org, name), grantCalls(f.api, name),
			)
			for i := range calls {
				leaveOut(&calls[i].at, name)
			}
			for _, err := range wantRefused(t, f, secrets.ErrInvalidName, calls, canariesOf(bad.name)...) {
				wantRule(t, err, rule)
			}
			parsed, err := secrets.ParseName(bad.name)
			if parsed != "" {
				t.Errorf("ParseName gives a name")
			}
			wantError(t, err, secrets.ErrInvalidName)
			wantRule(t, err, rule)
		})
	}
}

// leaveOut takes a name that is not valid out of what an error says.
func leaveOut(at *secrets.Error, name secrets.Name) {
	for _, field := range []*secrets.Name{&at.Organization, &at.Service, &at.Secret} {
		if *field == name {
			*field = ""
		}
	}
}

// canariesOf returns s if it is long enough to be looked for.
func canariesOf(s string) []string {
	if len(s) < len(canary)/2 || len(s) > 1<<10 {
		return nil
	}
	return []string{s}
}

func wantRule(t *testing.T, err error, rule secrets.NameError) {
	t.Helper()
	var e *secrets.NameError
	if !errors.As(err, &e) {
		t.Errorf("%T is not a *NameError", err)
		return
	}
	if diff := cmp.Diff(rule, *e); diff != "" {
		t.Errorf("another rule (-want +got):\n%s", diff)
	}
}

func TestNamesOfEveryValidShapeWork(t *testing.T) {
	t.Parallel()
	for _, name := range []secrets.Name{
		"a", "7", "a--b", "2fa-key", "xn--bcher-kva", "0-0",
		secrets.Name(strings.Repeat("a", 63)), secrets.Name(strings.Repeat("9", 63)), secrets.Name("z" + strings.Repeat("-", 61) + "z"),
	} {
		f := newFixture(t)
		org := get(t)(f.client.CreateOrganization(t.Context(), name))
		service := getService(t)(org.CreateService(t.Context(), name))
		if _, err := org.CreateSecret(t.Context(), name, secrets.Text("v")); err != nil {
			t.Fatal(err)
		}
		if _, err := service.Grant(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
		token, err := service.IssueToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		session := f.connect(t, token)
		want(t, lookup(t.Context(), session, secrets.EnvName(name)), "v")
		want(t, string(session.Organization()+session.Service()), string(name+name))
	}
}

// TestBadNamesInAnEnvironmentAreRefused is not parallel: it captures what is
// printed.
func TestBadNamesInAnEnvironmentAreRefused(t *testing.T) {
	f := newFixture(t)
	for _, bad := range badNames[1:] { // the empty one is that of no secret
		calls := newEnvironment("", secrets.Variable{Name: "A", Value: secrets.Text(canary), Secret: secrets.Name(bad.name)})
		errs := wantRefused(t, f, secrets.ErrInvalidName, calls, canariesOf(bad.name)...)
		wantRule(t, errs[0], secrets.NameError{Offset: bad.offset, Rule: bad.rule})
	}
}

func TestGrantDoesNotRepeatABadNameAsItsVariable(t *testing.T) {
	f := newFixture(t)
	for _, bad := range badNames {
		name := secrets.Name(bad.name)
		c := grantCall(f.api, name, "", "")
		leaveOut(&c.at, name)
		wantRefused(t, f, secrets.ErrInvalidName, []call{c}, append(canariesOf(bad.name), canariesOf(secrets.EnvName(name))...)...)
	}
}
