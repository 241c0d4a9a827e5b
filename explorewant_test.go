package secrets_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// wantRead returns an error if the service api may not read this now.
func (tr *trial) wantRead(env *secrets.Environment) error {
	value := func(name string) string {
		v, ok := env.Lookup(name)
		if !ok {
			return "absent"
		}
		return reveal(v)
	}
	if b := value("B"); b != ofB {
		return fmt.Errorf("the app reads %q in B", b)
	}
	a, moved := value("A"), value("MOVED")
	mayLose := tr.without || tr.has("revoke", "delete")
	switch {
	case strings.HasPrefix(a, "v") && moved == "absent":
	case tr.has("move") && strings.HasPrefix(moved, "v") && (a == "absent" || tr.has("take the variable") && a == ofC):
	case mayLose && moved == "absent" && (a == "absent" || tr.has("take the variable") && a == ofC):
	default:
		return fmt.Errorf("the app reads %q in A, %q in MOVED", a, moved)
	}
	return nil
}

// play runs the tasks. After every turn somebody reads, and commits land that
// were lost.
func (tr *trial) play(t *testing.T) {
	t.Helper()
	session := tr.connect(t, tr.tokens[2])
	keeper := getService(t)(tr.org.Service(t.Context(), tr.keeper))
	always := func() {
		tr.landSome(0.1)
		env, err := session.Environment(t.Context())
		if err == nil {
			err = tr.wantRead(env)
		}
		if err != nil {
			t.Fatal(err)
		}
		if a := lookup(t.Context(), keeper, "A"); !strings.HasPrefix(a, "v") && (a != "absent" || !tr.has("delete")) {
			t.Fatalf("%s reads %q", tr.keeper, a)
		}
	}
	turns := 0
	next := func(running []string) string {
		if turns++; turns > 20_000 {
			t.Fatalf("no end: %q still run", running)
		}
		name := running[tr.random.IntN(len(running))]
		tr.note("turn of %s", name)
		return name
	}
	actors := make([]actor, len(tr.tasks))
	for i, k := range tr.tasks {
		actors[i] = k.actor
	}
	tr.endings = run(t, tr.fixture, next, actors, always)
	for _, k := range tr.tasks {
		tr.note("%s ended: %v", k.name, tr.endings[k.name].err)
	}
}

// landSome lets each task's lost commits land with probability p.
func (tr *trial) landSome(p float64) {
	for i, late := range tr.lost {
		if len(late.lost) > 0 && tr.random.Float64() < p {
			n := len(late.lost)
			tr.note("of task %d, %d of %d lost commits landed", i, late.land(), n)
		}
	}
}

// ended returns how the tasks of a kind ended.
func (tr *trial) ended(kinds ...string) []error {
	var errs []error
	for _, k := range tr.tasks {
		if slices.Contains(kinds, k.kind) {
			errs = append(errs, tr.endings[k.name].err)
		}
	}
	return errs
}

// succeeded reports whether a task of that kind gave no error.
func (tr *trial) succeeded(kind string) bool { return slices.Contains(tr.ended(kind), nil) }

// revoked reports whether a task that revokes the i-th token gave no error.
func (tr *trial) revoked(i int) bool {
	return tr.succeeded(fmt.Sprint("revoke token ", i)) || i == 1 && tr.succeeded("revoke expired tokens")
}

// wantDone holds the results of the tasks against what is there.
func (tr *trial) wantDone(t *testing.T) {
	t.Helper()
	for _, k := range tr.tasks {
		err := tr.endings[k.name].err
		known := []error{nil, secrets.ErrUnknownOutcome, storage.ErrUnavailable, secrets.ErrNotFound, secrets.ErrExists, secrets.ErrInvalidEnv}
		if tr.has("delete") && tr.has("set") {
			known = append(known, secrets.ErrConflict) // for a grant of what is another secret by now
		}
		if !slices.ContainsFunc(known, func(e error) bool { return errors.Is(err, e) }) || k.kind == "read" && err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
	}
	least, most := uint64(1), uint64(1)
	for _, err := range tr.ended("update", "update again") {
		if err == nil {
			least++
		}
		if err == nil || errors.Is(err, secrets.ErrUnknownOutcome) {
			most++
		}
	}
	for _, err := range tr.ended("update twice") {
		if err == nil {
			least += 2
		}
		most += 2
	}
	if s, err := tr.org.Secret(t.Context(), "a"); !tr.has("delete", "set") && (err != nil || s.Version < least || s.Version > most) {
		t.Errorf("version %d, want %d to %d, %v", s.Version, least, most, err)
	}
	if tr.succeeded("delete") && !tr.has("set") {
		wantError(t, failure(tr.org.Secret(t.Context(), "a")), secrets.ErrNotFound)
	}
	for i, token := range tr.tokens[:2] {
		if tr.revoked(i) {
			wantError(t, failure(secrets.Connect(t.Context(), tr.store, token)), secrets.ErrUnauthenticated)
		}
	}
	if tr.succeeded("revoke from another") {
		want(t, lookup(t.Context(), getService(t)(tr.org.Service(t.Context(), loser)), "A"), "absent")
	}
}

// settle lets what is still lost land: in half of the trials only after an
// administrator has taken the secret from the service, which is final.
func (tr *trial) settle(t *testing.T) {
	t.Helper()
	if tr.random.IntN(2) == 0 {
		err := tr.api.Revoke(t.Context(), "a")
		if err != nil && !errors.Is(err, secrets.ErrNotFound) {
			t.Error(err)
		}
		tr.final = true
		tr.note("the administrator has revoked a: %v", err)
	}
	tr.landSome(1)
	if tr.final {
		want(t, lookup(t.Context(), tr.api, "MOVED"), "absent")
		if a := lookup(t.Context(), tr.api, "A"); a != "absent" && a != ofC {
			t.Errorf("after the revocation the service reads %q", a)
		}
	}
}

// wantRevokedReadNothing lets those who have lost the secret try, with every
// value that their records ever had, whether they read what is stored now.
func (tr *trial) wantRevokedReadNothing(t *testing.T, now string) {
	t.Helper()
	made(t)(tr.org.SetSecret(t.Context(), "a", text(now)))
	var lost []secrets.Token
	for i, token := range tr.tokens[:2] {
		if tr.revoked(i) {
			lost = append(lost, token)
		}
	}
	if tr.final || (tr.without || tr.succeeded("revoke")) && !tr.has("grant", "move") {
		lost = append(lost, tr.tokens[2])
	}
	const row = "org/acme/env/api/a"
	for _, token := range lost {
		for _, value := range tr.rec.values[row] {
			c := alone(t, tr.store, storage.Entry{Key: row, Value: value})
			key := "org/acme/token/api/" + token.ID()
			for _, value := range tr.rec.values[key] {
				restore(t, c, []storage.Entry{{Key: key, Value: value}})
				if slices.Contains(readWith(t, c, token), now) {
					t.Errorf("token %d reads %q", slices.IndexFunc(tr.tokens, func(o secrets.Token) bool { return o.ID() == token.ID() }), now)
				}
			}
		}
	}
}

// audit finishes what stopped, and looks whether all records agree.
func (tr *trial) audit(t *testing.T) {
	t.Helper()
	org := get(t)(tr.open(t, tr.store).Organization(t.Context(), "acme"))
	err := service(t.Context(), org, "api", func(s *secrets.Service) error {
		token, err := s.IssueToken(t.Context())
		return errors.Join(err, s.RevokeToken(t.Context(), token.ID())) // finishes another revocation
	})
	if err != nil {
		t.Error(err)
	}
	_, err = org.CreateService(t.Context(), mortal) // finishes its deletion
	if err != nil && !errors.Is(err, secrets.ErrExists) {
		t.Error(err)
	}
	made(t)(org.SetSecret(t.Context(), "a", text("audited")))
	granted := map[string]bool{}
	for secret, value := range map[secrets.Name]string{"a": "audited", "b": ofB, "c": ofC} {
		grants, err := org.Usage(t.Context(), secret)
		if err != nil {
			t.Error(err)
		}
		for _, g := range grants {
			granted["org/acme/env/"+string(g.Service)+"/"+string(secret)] = true
			granted["org/acme/var/"+string(g.Service)+"/"+g.Env] = true
			want(t, lookup(t.Context(), getService(t)(org.Service(t.Context(), g.Service)), g.Env), value)
		}
	}
	stored := map[string]bool{}
	for _, prefix := range []string{"org/acme/env/", "org/acme/var/"} {
		for _, e := range entries(t, tr.store, prefix) {
			stored[e.Key] = true
		}
	}
	if diff := cmp.Diff(granted, stored); diff != "" {
		t.Errorf("rows and variables are not those of the grants (-granted +stored):\n%s", diff)
	}
	want(t, lookup(t.Context(), tr.connect(t, tr.tokens[2]), "B"), ofB)
}
