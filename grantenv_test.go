package secrets_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// grant grants a secret and returns the variable that it goes to.
func (f *fixture) grant(t *testing.T, secret secrets.Name, env string) string {
	t.Helper()
	g, err := f.api.Grant(t.Context(), secret, env)
	if err != nil {
		t.Fatal(err)
	}
	if g.Service != "api" || g.Secret != secret {
		t.Errorf("granted something else: %+v", g)
	}
	return g.Env
}

// variables returns what a source has, as NAME=secret:value.
func variables(t *testing.T, source secrets.Source) []string {
	t.Helper()
	env, err := source.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for v := range env.All() {
		all = append(all, v.Name+"="+string(v.Secret)+":"+reveal(v.Value))
	}
	if len(all) != env.Len() {
		t.Errorf("Len gives %d of %d", env.Len(), len(all))
	}
	return all
}

func wantVariables(t *testing.T, f *fixture, session *secrets.Session, expected ...string) {
	t.Helper()
	for _, source := range []secrets.Source{f.api, session} {
		if diff := cmp.Diff(append([]string{}, expected...), variables(t, source)); diff != "" {
			t.Errorf("%T (-want +got):\n%s", source, diff)
		}
	}
}

// wantTaken fails the test unless the store holds these variables as taken.
func wantTaken(t *testing.T, f *fixture, expected ...string) {
	t.Helper()
	taken := []string{}
	for _, e := range entries(t, f.store, "org/acme/var/api/") {
		taken = append(taken, strings.TrimPrefix(e.Key, "org/acme/var/api/"))
	}
	if diff := cmp.Diff(append([]string{}, expected...), taken); diff != "" {
		t.Errorf("other variables are taken (-want +got):\n%s", diff)
	}
}

func TestGrantWithoutAVariableGoesToTheNameOfTheSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	session := f.connect(t, f.token(t))
	for name, env := range map[secrets.Name]string{
		"database-url": "DATABASE_URL", "2fa-key": "_2FA_KEY", "a--b": "A__B", "7": "_7",
		secrets.Name(strings.Repeat("9", 63)): "_" + strings.Repeat("9", 63),
	} {
		made(t)(f.org.CreateSecret(t.Context(), name, text("v")))
		want(t, f.grant(t, name, ""), env)
		want(t, lookup(t.Context(), session, env), "v")
		unchanged(t, f, func() { want(t, f.grant(t, name, env), env) }) // it is the same grant
	}
}

func TestGrantingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	f, clock := clocked(t)
	made(t)(f.org.CreateSecret(t.Context(), "a", text("one")))
	for _, env := range []string{"", secrets.NoEnv, "elsewhere", "Elsewhere", strings.Repeat("A", 128)} {
		first, err := f.api.Grant(t.Context(), "a", env)
		if err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(time.Second)
		unchanged(t, f, func() {
			again, err := f.api.Grant(t.Context(), "a", env)
			if diff := cmp.Diff(first, again); diff != "" || err != nil {
				t.Errorf("%v (-first +again):\n%s", err, diff)
			}
		})
		listed, err := f.api.Grants(t.Context())
		if diff := cmp.Diff([]secrets.Grant{first}, listed); diff != "" || err != nil {
			t.Errorf("%v (-first +listed):\n%s", err, diff)
		}
	}
}

func TestGrantMovesASecretToAnotherVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	session := f.connect(t, f.token(t))
	wantVariables(t, f, session, "A=a:one", "B=b:two")
	want(t, f.grant(t, "a", "C"), "C")
	wantVariables(t, f, session, "B=b:two", "C=a:one")
	wantTaken(t, f, "B", "C")
	want(t, f.grant(t, "b", "A"), "A") // which is free now
	wantVariables(t, f, session, "A=b:two", "C=a:one")
	want(t, f.grant(t, "a", "B"), "B")
	wantVariables(t, f, session, "A=b:two", "B=a:one")
	for _, name := range []secrets.Name{"a", "b"} {
		if s := made(t)(f.org.Secret(t.Context(), name)); s.Version != 1 {
			t.Errorf("%s has version %d: its value has not changed", name, s.Version)
		}
	}
	made(t)(f.org.UpdateSecret(t.Context(), "a", text("three"), nil))
	wantVariables(t, f, session, "A=b:two", "B=a:three")
	wantTaken(t, f, "A", "B")
}

func TestGrantChangesTheCaseOfAVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	session := f.connect(t, f.token(t))
	for _, env := range []string{"a", "A", "Ab", "aB"} {
		want(t, f.grant(t, "a", env), env)
		wantVariables(t, f, session, env+"=a:one")
		wantTaken(t, f, strings.ToUpper(env))
		// The variable stays taken, in any case.
		_, err := f.api.Grant(t.Context(), "b", strings.ToUpper(env))
		wantEnv(t, err, strings.ToUpper(env), "a")
	}
	if err := f.api.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, f.grant(t, "b", "AB"), "AB")
	wantVariables(t, f, session, "AB=b:two")
}

// TestATakenVariableIsRefusedInAnyCase is not parallel: it captures what is
// printed.
func TestATakenVariableIsRefusedInAnyCase(t *testing.T) {
	f := newFixture(t)
	f.give(t, "holder", canary)
	f.give(t, "other", canary)
	made(t)(f.org.CreateSecret(t.Context(), "third", text(canary)))
	for _, env := range []string{"HOLDER", "holder", "HoldeR"} {
		for _, secret := range []secrets.Name{"third", "other"} { // to be added, to be moved
			errs := wantRefused(t, f, secrets.ErrInvalidEnv, []call{grantCall(f.api, secret, env, env)})
			wantEnv(t, errs[0], env, "holder")
			expected := `: environment variable ` + env + ` is taken: secret "holder" goes to it (upper and lower case count as one)`
			if !strings.HasSuffix(errs[0].Error(), expected) {
				t.Errorf("text is %s", errs[0])
			}
		}
	}
	// Another service has variables of its own.
	web := getService(t)(f.org.CreateService(t.Context(), "web"))
	if _, err := web.Grant(t.Context(), "third", "HOLDER"); err != nil {
		t.Error(err)
	}
	// A secret that is deleted leaves its variable.
	if err := f.org.DeleteSecret(t.Context(), "holder", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	want(t, f.grant(t, "third", "holder"), "holder")
}

func TestNoEnvGrantsWithoutAVariable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "b", "two")
	for _, name := range []secrets.Name{"a", "c"} {
		made(t)(f.org.CreateSecret(t.Context(), name, text("value of "+string(name))))
		want(t, f.grant(t, name, secrets.NoEnv), secrets.NoEnv)
	}
	session := f.connect(t, f.token(t))
	wantVariables(t, f, session, "B=b:two")
	for _, source := range []secrets.Source{f.api, session} {
		env, err := source.Environment(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[secrets.Name]string{"a": "value of a", "b": "two", "c": "value of c"} {
			if v, ok := env.Secret(name); !ok || reveal(v) != value {
				t.Errorf("%T: secret %s: %v", source, name, ok)
			}
		}
		for _, name := range []string{"A", "a", "", secrets.NoEnv, "C", "b"} {
			if _, ok := env.Lookup(name); ok {
				t.Errorf("%T: there is a variable %q", source, name)
			}
		}
		for _, name := range []secrets.Name{"", "B", "d", secrets.NoEnv} {
			if _, ok := env.Secret(name); ok {
				t.Errorf("%T: there is a secret %q", source, name)
			}
		}
	}
	want(t, f.grant(t, "a", ""), "A")
	wantVariables(t, f, session, "A=a:value of a", "B=b:two")
	want(t, f.grant(t, "b", secrets.NoEnv), secrets.NoEnv)
	wantVariables(t, f, session, "A=a:value of a")
	wantTaken(t, f, "A")
	want(t, f.grant(t, "c", "b"), "b") // which is free now
	wantVariables(t, f, session, "A=a:value of a", "b=c:value of c")
}

func TestAllowEnvIsCopied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	allow := []string{"TZ"}
	client, err := secrets.Open(f.store, f.root, &secrets.Options{AllowEnv: allow})
	if err != nil {
		t.Fatal(err)
	}
	allow[0] = "PATH"
	api := getService(t)(get(t)(client.Organization(t.Context(), "acme")).Service(t.Context(), "api"))
	made(t)(f.org.CreateSecret(t.Context(), "a", text("v")))
	_, err = api.Grant(t.Context(), "a", "PATH")
	wantError(t, err, secrets.ErrInvalidEnv)
}

// D9: no handle beside an error
func TestCreateOrganizationGivesNoHandleBesideAnError(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	org, err := f.client.CreateOrganization(t.Context(), "acme")
	wantError(t, err, secrets.ErrExists)
	if org != nil {
		t.Error("a handle beside the error")
	}
}
