package secrets_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A member is what a process of one of two organizations has, which hold
// services and secrets of the same names.
type member struct {
	name    secrets.Name
	client  *secrets.Client
	org     *secrets.Organization
	api     *secrets.Service
	session *secrets.Session
	token   secrets.Token
	keyID   string // of the organization
}

// newMember opens an organization of w in store.
func newMember(t *testing.T, w *world, store storage.Store, name secrets.Name, token secrets.Token) *member {
	t.Helper()
	session, err := secrets.Connect(t.Context(), store, token)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{name: name, client: w.open(t, store), session: session, token: token}
	m.org = get(t)(m.client.Organization(t.Context(), name))
	m.api = getService(t)(m.org.Service(t.Context(), "api"))
	m.keyID = keyIDs(t, m.org)[0]
	return m
}

// calls are all calls but that which lists organizations and asks no key.
func (m *member) calls(store storage.Store) []call {
	return slices.Concat(
		clientCalls(m.client, m.name), listCalls(m.client, m.org)[1:],
		serviceCalls(m.org, "api"), secretCalls(m.org, "alpha"), grantCalls(m.api, "alpha"), tokenCalls(m.api, m.token.ID()),
		keyCalls(m.org, m.keyID), confirmCalls(m.client, m.org, "alpha"), sessionCalls(m.session), sweepCalls(m.client),
		[]call{
			changeCall(m.org, "alpha"),
			connectCall(secrets.Error{Op: "connect"}, store, m.token),
		},
	)
}

// wantOwn fails the test if anything that m reads is of another organization.
func (m *member) wantOwn(t *testing.T, what string) {
	t.Helper()
	check := func(v secrets.Value) {
		if got := reveal(v); got != canary && !strings.HasPrefix(got, string(m.name)+" ") {
			t.Errorf("%s: %s reads %s", what, m.name, got)
		}
	}
	for _, source := range []secrets.Source{m.session, m.api} {
		env, err := source.Environment(t.Context())
		if err != nil {
			continue
		}
		for v := range env.All() {
			check(v.Value)
		}
	}
	for _, secret := range []secrets.Name{"alpha", "beta"} {
		if v, err := m.org.RevealSecret(t.Context(), secret); err == nil {
			check(v)
		}
	}
}

// wantOwnAlpha fails the test unless m reads a secret, and it is its own.
func (m *member) wantOwnAlpha(t *testing.T, what string) {
	t.Helper()
	for _, source := range []secrets.Source{m.session, m.api} {
		if got := lookup(t.Context(), source, "ALPHA"); !strings.HasPrefix(got, string(m.name)+" alpha") {
			t.Errorf("%s: %s has %s", what, m.name, got)
		}
	}
}

// moved returns the records of one organization, under the keys of another: of
// one kind, of all kinds but its own, or all.
func moved(all []storage.Entry, from, to secrets.Name, kind string) []storage.Entry {
	var out []storage.Entry
	for _, e := range all {
		rest, of := strings.CutPrefix(e.Key, "org/"+string(from)+"/")
		switch {
		case of && (kind == "all" || kind == "inside" || strings.HasPrefix(rest, kind+"/")):
			out = append(out, storage.Entry{Key: "org/" + string(to) + "/" + rest, Value: e.Value})
		case e.Key == "orgs/"+string(from) && (kind == "all" || kind == "itself"):
			out = append(out, storage.Entry{Key: "orgs/" + string(to), Value: e.Value})
		}
	}
	return out
}

// newRivals returns a world in which both organizations have a token.
func newRivals(t *testing.T) (w *world, tokens map[secrets.Name]secrets.Token) {
	t.Helper()
	w = newWorld(t)
	rival := get(t)(w.client.Organization(t.Context(), "rival"))
	token, err := getService(t)(rival.Service(t.Context(), "api")).IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w, map[secrets.Name]secrets.Token{"acme": w.tokens[0], "rival": token}
}

func TestRecordsOfAnotherOrganizationGiveNothing(t *testing.T) {
	t.Parallel()
	w, tokens := newRivals(t)
	all := entries(t, w.store, "")
	for _, kind := range []string{"all", "inside", "itself", "secret", "access", "service", "serial", "token", "env", "var"} {
		for from, to := range map[secrets.Name]secrets.Name{"acme": "rival", "rival": "acme"} {
			what := "records of " + string(from) + " as those of " + string(to) + ": " + kind
			store := copied(t, w.store)
			m, other := newMember(t, w, store, to, tokens[to]), newMember(t, w, store, from, tokens[from])
			m.wantOwnAlpha(t, what)
			records := moved(all, from, to, kind)
			if len(records) == 0 {
				t.Fatalf("%s: there are none", what)
			}
			restore(t, store, records)
			fresh := *m
			fresh.client = w.open(t, store)
			if org, err := fresh.client.Organization(t.Context(), to); err == nil {
				fresh.org = org
			}
			if api, err := fresh.org.Service(t.Context(), "api"); err == nil {
				fresh.api = api
			}
			for _, m := range []*member{m, &fresh} {
				m.wantOwn(t, what)
				for _, c := range m.calls(store) {
					if isSalvage(c) {
						continue
					}
					err := c.do(t.Context())
					if !mayPass(kind, c) {
						wantStopped(t, what+": "+c.at.Op, err)
					}
				}
				m.wantOwn(t, what+", after all calls")
			}
			for _, c := range slices.DeleteFunc(m.calls(store), func(c call) bool { return !isSalvage(c) }) {
				_ = c.do(t.Context()) // it may go through
			}
			fresh.wantOwn(t, what+", after deletions")
			other.wantOwnAlpha(t, what) // nothing of it was changed
		}
	}
}

// askNothingInside are the calls that need the organization's own record alone, or
// report what they find.
var askNothingInside = []string{"connect", "open organization", "verify", "key usage", "retire key"}

// mayPass reports whether what a call needs was not replaced: of one kind of
// record that is so for many, and a token's is under an id that only it has.
func mayPass(kind string, c call) bool {
	switch kind {
	case "all":
		return c.at.Op == "connect"
	case "inside":
		return slices.Contains(askNothingInside, c.at.Op)
	default:
		return true
	}
}

func wantStopped(t *testing.T, what string, err error) {
	t.Helper()
	for _, known := range []error{
		secrets.ErrTampered, secrets.ErrWrongRoot, secrets.ErrNotFound, secrets.ErrUnauthenticated, secrets.ErrExists, secrets.ErrInUse,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Errorf("%s: got %v", what, err)
}

// The name in a token's text is bound to what the token opens.
func TestATokenOpensNothingUnderAnotherOrganizationsName(t *testing.T) {
	t.Parallel()
	w, tokens := newRivals(t)
	all := entries(t, w.store, "")
	fields := tokenFields(tokens["rival"].Reveal())
	renamed, err := secrets.ParseToken(tokenText("\x04acme" + strings.TrimPrefix(fields, "\x05rival")))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"token", "inside", "all"} {
		store := copied(t, w.store)
		restore(t, store, moved(all, "rival", "acme", kind))
		if _, err := secrets.Connect(t.Context(), store, renamed); !errors.Is(err, secrets.ErrTampered) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
	if _, err := secrets.Connect(t.Context(), w.store, renamed); !errors.Is(err, secrets.ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
}

// A process that has one organization open does not take its record for that of
// another, whose secrets it would then encrypt under the wrong keyset.
func TestAnOrganizationsRecordDoesNotOpenUnderAnotherName(t *testing.T) {
	t.Parallel()
	w, _ := newRivals(t)
	get(t)(w.client.Organization(t.Context(), "rival"))
	for from, to := range map[secrets.Name]secrets.Name{"acme": "rival", "rival": "acme"} {
		for _, kind := range []string{"itself", "all"} {
			restore(t, w.store, moved(w.good, from, to, kind))
			for who, client := range map[string]*secrets.Client{"same": w.client, "fresh": w.open(t, w.store)} {
				for _, c := range clientCalls(client, to) {
					if c.at.Op == "delete organization" { // which says that it is in use
						continue
					}
					if err := c.do(t.Context()); !errors.Is(err, secrets.ErrWrongRoot) && !errors.Is(err, secrets.ErrTampered) {
						t.Errorf("%s record of %s as %s, %s client: %s: got %v", kind, from, to, who, c.at.Op, err)
					}
				}
			}
			restore(t, w.store, w.good)
		}
	}
}
