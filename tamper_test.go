package secrets_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A world has two organizations with the same names in them, two services and
// several secrets, so that every record has others to be confused with.
type world struct {
	*fixture
	good   []storage.Entry            // the records as they are to be
	older  map[string]storage.Entry   // the records as they were before an update
	values map[string]map[string]bool // what each service may ever see: variable -> values
	tried  int                        // changes
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fixture: newFixture(t), values: map[string]map[string]bool{}}
	other := get(t)(w.client.CreateOrganization(t.Context(), "rival"))
	for _, org := range []*secrets.Organization{w.org, other} {
		for _, service := range []secrets.Name{"api", "web"} {
			if service == "api" && org == w.org {
				continue
			}
			getService(t)(org.CreateService(t.Context(), service))
		}
		for _, secret := range []secrets.Name{"alpha", "beta"} {
			value := string(org.Name()) + " " + string(secret)
			if _, err := org.CreateSecret(t.Context(), secret, text(value+" 1")); err != nil {
				t.Fatal(err)
			}
			for _, service := range []secrets.Name{"api", "web"} {
				if _, err := getService(t)(org.Service(t.Context(), service)).Grant(t.Context(), secret, ""); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	w.tokens = []secrets.Token{w.token(t)}
	w.older = map[string]storage.Entry{}
	for _, e := range entries(t, w.store, "") {
		w.older[e.Key] = e
	}
	for _, secret := range []secrets.Name{"alpha", "beta"} {
		if _, err := w.org.UpdateSecret(t.Context(), secret, text("acme "+string(secret)+" 2"), nil); err != nil {
			t.Fatal(err)
		}
	}
	w.good = entries(t, w.store, "")
	return w
}

// observe reads everything through handles without memory and fails if a value
// is not the one that belongs there.
func (w *world) observe(t *testing.T, what string) {
	t.Helper()
	check := func(where, got string, err error, right string) {
		sweepError(t, err)
		switch {
		case err == nil && got == right:
		case errors.Is(err, secrets.ErrTampered), errors.Is(err, secrets.ErrNotFound),
			errors.Is(err, secrets.ErrUnauthenticated), errors.Is(err, secrets.ErrWrongRoot):
		default:
			t.Errorf("%s: %s gives %q, %v", what, where, got, err)
		}
	}
	environment := func(where string, source secrets.Source) {
		env, err := source.Environment(t.Context())
		if err != nil {
			check(where, "", err, "")
			return
		}
		for v := range env.All() {
			check(where+" "+v.Name, reveal(v.Value), nil, "acme "+strings.ToLower(v.Name)+" 2")
			if v.Name != secrets.EnvName(v.Secret) {
				t.Errorf("%s: %s has %s in %s", what, where, v.Secret, v.Name)
			}
		}
	}
	if session, err := secrets.Connect(t.Context(), w.store, w.tokens[0]); err == nil {
		environment("session", session)
	} else {
		check("connect", "", err, "")
	}
	org, err := w.open(t, w.store).Organization(t.Context(), "acme")
	if err != nil {
		check("organization", "", err, "")
		return
	}
	for _, secret := range []secrets.Name{"alpha", "beta"} {
		v, err := org.RevealSecret(t.Context(), secret)
		check("reveal", reveal(v), err, "acme "+string(secret)+" 2")
		v, err = org.RevealVersion(t.Context(), secret, 1)
		check("reveal version", reveal(v), err, "acme "+string(secret)+" 1")
		_, err = org.Versions(t.Context(), secret)
		check("versions", "", err, "")
		_, err = org.Usage(t.Context(), secret)
		check("usage", "", err, "")
	}
	for s, err := range org.Secrets(t.Context(), nil) {
		check("list "+string(s.Name), "", err, "")
	}
	api, err := org.Service(t.Context(), "api")
	if err != nil {
		check("service", "", err, "")
		return
	}
	environment("service", api)
	_, err = api.Tokens(t.Context())
	check("tokens", "", err, "")
	_, err = api.Grants(t.Context())
	check("grants", "", err, "")
}

// tamper writes a record, looks, and puts the right one back.
func (w *world) tamper(t *testing.T, what string, e storage.Entry, value []byte) {
	t.Helper()
	w.tried++
	restore(t, w.store, []storage.Entry{{Key: e.Key, Value: value}})
	w.observe(t, what)
	restore(t, w.store, []storage.Entry{e})
}

func TestNoChangeOfAnyRecordGivesAWrongValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(t, "as it is")
	want(t, lookup(t.Context(), w.connect(t, w.tokens[0]), "ALPHA"), "acme alpha 2")
	for _, e := range w.good {
		if !strings.Contains(e.Key, "acme") {
			continue
		}
		step := 1
		if testing.Short() {
			step = 7
		}
		for i := 0; i < len(e.Value); i += step {
			changed := bytes.Clone(e.Value)
			changed[i] ^= 1 << (i % 8)
			w.tamper(t, "flip in "+e.Key, e, changed)
		}
		w.tamper(t, "truncate "+e.Key, e, e.Value[:len(e.Value)-1])
		w.tamper(t, "extend "+e.Key, e, append(bytes.Clone(e.Value), 0))
		w.tamper(t, "empty "+e.Key, e, nil)
		if old, ok := w.older[e.Key]; ok && !bytes.Equal(old.Value, e.Value) {
			w.tamper(t, "older "+e.Key, e, old.Value)
		}
		for _, other := range w.good {
			if other.Key != e.Key {
				w.tamper(t, other.Key+" as "+e.Key, e, other.Value)
			}
		}
		w.tried++
		remove(t, w.store, e.Key)
		w.observe(t, "removed "+e.Key)
		restore(t, w.store, []storage.Entry{e})
	}
	t.Attr("mutations", fmt.Sprint(w.tried))
}

func TestOlderRecordsOfOneKindAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []string{"/secret/", "/access/", "/env/", "/service/", "/token/"} {
		var old, now []storage.Entry
		for _, e := range w.good {
			if o, ok := w.older[e.Key]; ok && strings.Contains(e.Key, "acme"+kind) {
				old, now = append(old, o), append(now, e)
			}
		}
		restore(t, w.store, old)
		w.observe(t, "all older "+kind)
		restore(t, w.store, now)
	}
}

func TestGrantedServiceWithTheDatabaseCannotChangeWhatAnotherReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// What web has of its own is put wherever api reads.
	var mine []storage.Entry
	for _, e := range w.good {
		if strings.HasPrefix(e.Key, "org/acme/env/web/") {
			mine = append(mine, e)
		}
	}
	for _, e := range w.good {
		if !strings.HasPrefix(e.Key, "org/acme/env/api/") {
			continue
		}
		for _, row := range mine {
			w.tamper(t, row.Key+" as "+e.Key, e, row.Value)
		}
	}
}

func TestStoreOfCiphertextHoldsNoValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if !slices.ContainsFunc(w.good, func(e storage.Entry) bool { return bytes.Contains(e.Value, []byte("alpha")) }) {
		t.Error("not even names are found: the search is wrong")
	}
	for _, e := range w.good {
		if bytes.Contains(e.Value, []byte("acme alpha")) || bytes.Contains(e.Value, []byte("rival")) {
			t.Errorf("a value in %s", e.Key)
		}
	}
}

func TestRowsOfARevocationPutBackOpenNothingNew(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"grant", "token"} {
		f := newFixture(t)
		f.give(t, "a", "one")
		f.tokens = []secrets.Token{f.token(t), f.token(t)}
		before := entries(t, f.store, "org/acme/")
		var err error
		if what == "grant" {
			err = f.api.Revoke(t.Context(), "a")
		} else {
			err = f.api.RevokeToken(t.Context(), f.tokens[0].ID())
		}
		if err != nil {
			t.Fatal(err)
		}
		sets, updated := putBack(t, before), 0
		for _, set := range sets {
			for _, memory := range []bool{true, false} {
				c := f.clone(t)
				if memory {
					c.connect(t, f.tokens[1])
					_, _ = c.org.Usage(t.Context(), "a")
				}
				restore(t, c.store, set)
				// An error is right as well: then nothing is put at all.
				if _, err := c.org.UpdateSecret(t.Context(), "a", text("after"), nil); err == nil {
					updated++
				}
				if what == "token" {
					_, _ = c.api.Grant(t.Context(), "a", "A")
				}
				restore(t, c.store, filter(before, "org/acme/token/api/"+f.tokens[0].ID()))
				session, err := secrets.Connect(t.Context(), c.store, f.tokens[0])
				if err != nil {
					continue
				}
				if got := lookup(t.Context(), session, "A"); got == "after" {
					t.Errorf("%s: with %s put back, it reads what was put afterwards", what, set[0].Key)
				}
			}
		}
		if updated == 0 {
			t.Errorf("%s: nothing was put afterwards", what)
		}
	}
}

// putBack returns each record alone, and all of each kind together.
func putBack(t *testing.T, before []storage.Entry) (sets [][]storage.Entry) {
	t.Helper()
	for _, e := range before {
		sets = append(sets, []storage.Entry{e})
	}
	for _, kind := range []string{"/secret/", "/access/", "/env/", "/service/", "/serial/", "/token/", "/var/"} {
		others := func(e storage.Entry) bool { return !strings.Contains(e.Key, kind) }
		set := slices.DeleteFunc(slices.Clone(before), others)
		if len(set) == 0 {
			t.Fatalf("there is no record of %s", kind)
		}
		sets = append(sets, set)
	}
	return sets
}

func TestRevokedTokensRecordPutBackBeforeAnotherIsRevokedGivesNothing(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{true, false} {
		f := newFixture(t)
		f.give(t, "a", "one")
		f.tokens = []secrets.Token{f.token(t), f.token(t), f.token(t)}
		first := filter(entries(t, f.store, "org/acme/token/"), "org/acme/token/api/"+f.tokens[0].ID())
		revoke := func(f *fixture, i int) {
			if err := f.api.RevokeToken(t.Context(), f.tokens[i].ID()); err != nil {
				t.Fatal(err)
			}
		}
		revoke(f, 0)
		if fresh {
			f = f.clone(t)
		}
		restore(t, f.store, first)
		revoke(f, 1)
		set(t, f.org, "a", "after")
		want(t, lookup(t.Context(), f.connect(t, f.tokens[2]), "A"), "after")
		if session, err := secrets.Connect(t.Context(), f.store, f.tokens[0]); err == nil {
			want(t, lookup(t.Context(), session, "A"), secrets.ErrTampered.Error())
		}
		_, err := secrets.Connect(t.Context(), f.store, f.tokens[1])
		wantError(t, err, secrets.ErrUnauthenticated)
	}
}

func TestRecordEditedBeforeAnUpdateLeadsNobodyAstray(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	step := 3
	if long() {
		step = 1
	}
	for _, e := range w.good {
		if !strings.HasPrefix(e.Key, "org/acme/") {
			continue
		}
		for i := 0; i < len(e.Value); i += step {
			w.tried++
			c := w.clone(t)
			changed := bytes.Clone(e.Value)
			changed[i] ^= 1 << (i % 8)
			restore(t, c.store, []storage.Entry{{Key: e.Key, Value: changed}})
			if _, err := c.org.UpdateSecret(t.Context(), "alpha", text("acme alpha 3"), nil); err != nil {
				wantError(t, err, secrets.ErrTampered) // nothing was believed
				continue
			}
			session, err := secrets.Connect(t.Context(), c.store, w.tokens[0])
			if err != nil {
				continue // its record is what was changed
			}
			env, err := session.Environment(t.Context())
			if err != nil {
				wantError(t, err, secrets.ErrTampered)
				continue
			}
			for v := range env.All() {
				right := map[string]string{"ALPHA": "acme alpha 3", "BETA": "acme beta 2"}[v.Name]
				if reveal(v.Value) != right {
					t.Errorf("byte %d of %s changed: %s is %q", i, e.Key, v.Name, reveal(v.Value))
				}
			}
		}
	}
	t.Attr("mutations", fmt.Sprint(w.tried))
}

func filter(all []storage.Entry, key string) []storage.Entry {
	return slices.DeleteFunc(slices.Clone(all), func(e storage.Entry) bool { return e.Key != key })
}
