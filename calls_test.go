package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// A call is one of the public methods, with what its error has to say about
// where it failed. The tables below hold all of them, so that what is promised
// for every call is tested for every call.
type call struct {
	at    secrets.Error // without the reason
	makes bool          // it creates what is not there
	do    func(context.Context) error
}

func clientCalls(c *secrets.Client, name secrets.Name) []call {
	at := func(op string) secrets.Error { return secrets.Error{Op: op, Organization: name} }
	return []call{
		{at("create organization"), true, func(ctx context.Context) error { return failure(c.CreateOrganization(ctx, name)) }},
		{at("open organization"), false, func(ctx context.Context) error { return failure(c.Organization(ctx, name)) }},
		{at("delete organization"), false, func(ctx context.Context) error { return c.DeleteOrganization(ctx, name, nil) }},
		{at("verify"), false, func(ctx context.Context) error { return failure(c.Verify(ctx, name)) }},
	}
}

// valueCalls are the calls that take a value.
func valueCalls(o *secrets.Organization, name secrets.Name, value secrets.Value) []call {
	at := func(op string) secrets.Error { return secrets.Error{Op: op, Organization: o.Name(), Secret: name} }
	return []call{
		{at("create secret"), true, func(ctx context.Context) error { return failure(o.CreateSecret(ctx, name, value)) }},
		{at("set secret"), true, func(ctx context.Context) error { return failure(o.SetSecret(ctx, name, value)) }},
		{at("update secret"), false, func(ctx context.Context) error { return failure(o.UpdateSecret(ctx, name, value, nil)) }},
	}
}

func secretCalls(o *secrets.Organization, name secrets.Name) []call {
	at := func(op string) secrets.Error { return secrets.Error{Op: op, Organization: o.Name(), Secret: name} }
	revoke := &secrets.DeleteOptions{Revoke: true}
	return append(valueCalls(o, name, secrets.Text(canary)), []call{
		{at("get"), false, func(ctx context.Context) error { return failure(o.Secret(ctx, name)) }},
		{at("reveal"), false, func(ctx context.Context) error { return failure(o.RevealSecret(ctx, name)) }},
		{at("usage"), false, func(ctx context.Context) error { return failure(o.Usage(ctx, name)) }},
		{at("list versions"), false, func(ctx context.Context) error { return failure(o.Versions(ctx, name)) }},
		{at("reveal version"), false, func(ctx context.Context) error { return failure(o.RevealVersion(ctx, name, 1)) }},
		{at("roll back secret"), false, func(ctx context.Context) error { return failure(o.RollbackSecret(ctx, name, 1, nil)) }},
		{at("delete secret"), false, func(ctx context.Context) error { return o.DeleteSecret(ctx, name, revoke) }},
	}...)
}

func serviceCalls(o *secrets.Organization, name secrets.Name) []call {
	at := func(op string) secrets.Error { return secrets.Error{Op: op, Organization: o.Name(), Service: name} }
	return []call{
		{at("create service"), true, func(ctx context.Context) error { return failure(o.CreateService(ctx, name)) }},
		{at("open service"), false, func(ctx context.Context) error { return failure(o.Service(ctx, name)) }},
		{at("delete service"), false, func(ctx context.Context) error { return o.DeleteService(ctx, name) }},
	}
}

func grantCalls(s *secrets.Service, secret secrets.Name) []call {
	revoking := secrets.Error{Op: "revoke", Organization: "acme", Service: s.Name(), Secret: secret}
	return []call{
		grantCall(s, secret, "ELSEWHERE", "ELSEWHERE"),
		{revoking, false, func(ctx context.Context) error { return s.Revoke(ctx, secret) }},
	}
}

// grantCall asks for one variable, and says that another is concerned.
func grantCall(s *secrets.Service, secret secrets.Name, asked, env string) call {
	at := secrets.Error{Op: "grant", Organization: "acme", Service: s.Name(), Secret: secret, Env: env}
	return call{at, false, func(ctx context.Context) error { return failure(s.Grant(ctx, secret, asked)) }}
}

// tokenCalls are the calls of a service's handle that concern no secret.
func tokenCalls(s *secrets.Service, id string) []call {
	at := func(op string) secrets.Error {
		return secrets.Error{Op: op, Organization: "acme", Service: s.Name()}
	}
	return []call{
		{at("issue token"), false, func(ctx context.Context) error { return failure(s.IssueToken(ctx)) }},
		{at("issue token"), false, func(ctx context.Context) error {
			return failure(s.IssueTokenUntil(ctx, time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)))
		}},
		{at("list tokens"), false, func(ctx context.Context) error { return failure(s.Tokens(ctx)) }},
		{at("revoke token"), false, func(ctx context.Context) error { return s.RevokeToken(ctx, id) }},
		{at("list grants"), false, func(ctx context.Context) error { return failure(s.Grants(ctx)) }},
		{at("environment"), false, func(ctx context.Context) error { return failure(s.Environment(ctx)) }},
	}
}

// changeCall updates a secret in a change, whose error says which it is if that is
// why.
func changeCall(o *secrets.Organization, name secrets.Name) call {
	at := secrets.Error{Op: "change", Organization: o.Name(), Secret: name}
	return call{at, false, func(ctx context.Context) error {
		return o.Change(ctx, func(c *secrets.Change) error { return c.UpdateSecret(name, secrets.Text(canary), nil) })
	}}
}

// confirmCalls are the calls that look at what was deleted.
func confirmCalls(c *secrets.Client, o *secrets.Organization, secret secrets.Name) []call {
	at := secrets.Error{Op: "confirm deletion", Organization: o.Name()}
	of := at
	of.Secret = secret
	return []call{
		{at, false, func(ctx context.Context) error { return failure(c.ConfirmDeletion(ctx, o.Name())) }},
		{of, false, func(ctx context.Context) error { return failure(o.ConfirmDeletion(ctx, secret)) }},
	}
}

// sweepCalls are those about all organizations.
func sweepCalls(c *secrets.Client) []call {
	return []call{{secrets.Error{Op: "sweep"}, false, func(ctx context.Context) error { return failure(c.Sweep(ctx)) }}}
}

// sessionCalls are the calls of an app.
func sessionCalls(s *secrets.Session) []call {
	at := func(op string) secrets.Error {
		return secrets.Error{Op: op, Organization: s.Organization(), Service: s.Service()}
	}
	return []call{
		{at("environment"), false, func(ctx context.Context) error { return failure(s.Environment(ctx)) }},
		{at("watch"), false, func(ctx context.Context) error {
			for _, err := range s.Watch(ctx) {
				return err
			}
			return ctx.Err()
		}},
	}
}

func listCalls(c *secrets.Client, o *secrets.Organization) []call {
	return []call{
		{secrets.Error{Op: "list organizations"}, false, func(ctx context.Context) error { return listed(c.Organizations(ctx, nil)) }},
		{secrets.Error{Op: "list secrets", Organization: o.Name()}, false, func(ctx context.Context) error { return listed(o.Secrets(ctx, nil)) }},
		{secrets.Error{Op: "list services", Organization: o.Name()}, false, func(ctx context.Context) error { return listed(o.Services(ctx, nil)) }},
	}
}

// keyCalls are the calls about an organization's keys.
func keyCalls(o *secrets.Organization, id string) []call {
	at := func(op string) secrets.Error { return secrets.Error{Op: op, Organization: o.Name()} }
	return []call{
		{at("rotate key"), false, func(ctx context.Context) error { return o.RotateKey(ctx, nil) }},
		{at("key usage"), false, func(ctx context.Context) error { return failure(o.KeyUsage(ctx)) }},
		{at("retire key"), false, func(ctx context.Context) error { return o.RetireKey(ctx, id) }},
	}
}

// rootCalls are the calls about the root of all organizations.
func rootCalls(c *secrets.Client, next crypto.Root) []call {
	return []call{
		{secrets.Error{Op: "rotate root"}, false, func(ctx context.Context) error { return c.RotateRoot(ctx, next, nil) }},
		{secrets.Error{Op: "root usage"}, false, func(ctx context.Context) error { return failure(c.RootUsage(ctx, next)) }},
	}
}

// A method that is in none of the tables would be left out of all that they test.
func TestEveryMethodWithAContextIsInTheTablesOfCalls(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("calls_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, handle := range []reflect.Type{
		reflect.TypeFor[*secrets.Client](), reflect.TypeFor[*secrets.Organization](),
		reflect.TypeFor[*secrets.Service](), reflect.TypeFor[*secrets.Session](),
	} {
		for method := range handle.Methods() {
			takes := method.Type.NumIn() > 1 && method.Type.In(1) == reflect.TypeFor[context.Context]()
			if method.Name == "RevokeExpired" { // of export_test.go
				continue
			}
			if takes && !bytes.Contains(source, []byte("."+method.Name+"(ctx")) {
				t.Errorf("%v.%s is in none", handle, method.Name)
			}
		}
	}
}

// failure drops what came with an error.
func failure[T any](_ T, err error) error { return err }

// listed drops the entries of a listing.
func listed[T any](entries iter.Seq2[T, error]) error {
	var all []error
	for _, err := range entries {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// wantRefused makes calls that have to fail because of reason, if there is a
// sentinel for it, and fails the test unless each error says where, no canary
// gets out and the store is byte for byte what it was. It returns the errors. A
// test that uses it must not be parallel: see [secretstest.NoLeak].
func wantRefused(t *testing.T, f *fixture, reason error, calls []call, canaries ...string) []error {
	t.Helper()
	before := entries(t, f.store, "")
	errs := make([]error, len(calls))
	secretstest.NoLeak(t, func() error {
		for i, c := range calls {
			errs[i] = c.do(t.Context())
		}
		return errors.Join(errs...)
	}, append(canaries, canary)...)
	for i, c := range calls {
		if errs[i] == nil || reason != nil && !errors.Is(errs[i], reason) {
			t.Errorf("%s: got error %v, want %v", c.at.Op, errs[i], reason)
		}
		wantAt(t, errs[i], c.at)
	}
	if diff := cmp.Diff(before, entries(t, f.store, "")); diff != "" {
		t.Errorf("the store has changed (-before +after):\n%s", diff)
	}
	return errs
}

// wantAt fails the test unless err is an Error that says where.
func wantAt(t *testing.T, err error, where secrets.Error) {
	t.Helper()
	var e *secrets.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %T is not an *Error", where.Op, err)
		return
	}
	got := *e
	got.Err = nil
	if diff := cmp.Diff(where, got); diff != "" {
		t.Errorf("the error says something else (-want +got):\n%s", diff)
	}
}

func TestErrorOfSeveralSecretsSaysWhichItIsAbout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	f.give(t, "b", "two")
	session := f.connect(t, f.token(t))
	damage(t, f.store, "org/acme/access/b")
	damage(t, f.store, "org/acme/env/api/b")
	for _, c := range []call{
		{secrets.Error{Op: "environment", Organization: "acme", Service: "api", Secret: "b"}, false, func(ctx context.Context) error {
			return failure(session.Environment(ctx))
		}},
		{secrets.Error{Op: "change", Organization: "acme", Secret: "b"}, false, func(ctx context.Context) error {
			return f.org.Change(ctx, func(c *secrets.Change) error {
				return errors.Join(c.SetSecret("a", text("three")), c.SetSecret("b", text("four")))
			})
		}},
	} {
		err := c.do(t.Context())
		wantError(t, err, secrets.ErrTampered)
		wantAt(t, err, c.at)
		if strings.Count(err.Error(), `"b"`) != 1 {
			t.Errorf("it is named once in %q", err)
		}
	}
}
