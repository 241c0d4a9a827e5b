package secrets_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// What has happened to others, and must not happen here. The tests are named after
// the incidents; those that the other files hold anyway are named there.

// The text of an error held what was passed.
func TestCVE20254166ErrorsDoNotRepeatWhatWasPassed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	const canary = planted + "passed by mistake"
	name := secrets.Name(canary)
	_, parse := secrets.ParseName(canary)
	_, token := secrets.ParseToken(canary)
	_, environment := secrets.NewEnvironment(secrets.Variable{Name: canary, Value: text("v")})
	for i, err := range []error{
		parse, token, environment,
		failure(f.client.CreateOrganization(t.Context(), name)),
		failure(f.org.CreateSecret(t.Context(), name, text("v"))),
		failure(f.org.CreateSecret(t.Context(), "large", secrets.Bytes(bytes.Repeat([]byte(canary), 5_000)))),
		failure(f.org.RollbackSecret(t.Context(), name, 1, nil)),
		failure(f.org.UpdateSecret(t.Context(), "a", text("v"), &secrets.UpdateOptions{IfID: canary})),
		failure(f.org.CreateService(t.Context(), name)),
		failure(f.org.ConfirmDeletion(t.Context(), name)),
		f.org.DeleteSecret(t.Context(), name, nil),
		f.org.RetireKey(t.Context(), canary),
		f.org.Change(t.Context(), func(c *secrets.Change) error { return c.SetSecret(name, text("v")) }),
		f.api.RevokeToken(t.Context(), canary),
		failure(f.api.Grant(t.Context(), "a", canary)),
		f.api.Revoke(t.Context(), name),
	} {
		if err == nil {
			t.Errorf("call %d: no error", i)
		}
		sweepError(t, err)
	}
}

// Kubernetes: tokens were in the log at a high verbosity.
func TestCVE201911250NoLevelLogsAValueOrToken(t *testing.T) {
	t.Parallel()
	var log swept
	f := newFixture(t)
	client, err := secrets.Open(f.store, f.root, &secrets.Options{
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.Level(-1000), AddSource: true})),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.client, f.org = client, get(t)(client.Organization(t.Context(), "acme"))
	f.api = getService(t)(f.org.Service(t.Context(), "api"))
	f.give(t, "a", "one")
	one, two := f.token(t), f.token(t)
	damage(t, f.store, "org/acme/token/api/"+two.ID())
	if err := f.api.RevokeToken(t.Context(), one.ID()); err != nil { // drops the other one, and says so
		t.Fatal(err)
	}
	damage(t, f.store, "org/acme/access/a")
	if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	lines := log.lines.Bytes()
	if len(lines) == 0 {
		t.Fatal("nothing was logged")
	}
	for _, secret := range []string{planted, one.Reveal(), two.Reveal()} {
		if found(lines, []byte(secret)) {
			t.Error("a value or token was logged")
		}
	}
}

// What belonged to one namespace was revoked from another.
func TestCVE202645808ARevocationReachesNoOtherOrganizationOrService(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	session := f.connect(t, token)
	rival := get(t)(f.client.CreateOrganization(t.Context(), "rival"))
	for _, other := range []*secrets.Service{
		getService(t)(rival.CreateService(t.Context(), "api")), getService(t)(f.org.CreateService(t.Context(), "web")),
	} {
		wantError(t, other.RevokeToken(t.Context(), token.ID()), secrets.ErrNotFound)
		if err := other.Revoke(t.Context(), "a"); err != nil {
			wantError(t, err, secrets.ErrNotFound)
		}
	}
	wantError(t, rival.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}), secrets.ErrNotFound)
	wantError(t, rival.DeleteService(t.Context(), "web"), secrets.ErrNotFound)
	want(t, lookup(t.Context(), session, "A"), "one")
}

// Dot segments in a path went past a policy.
func TestCVE20263605NoNameLeavesItsPlace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	rival := get(t)(f.client.CreateOrganization(t.Context(), "rival"))
	for _, name := range []secrets.Name{
		"..", ".", "../acme", "../../acme/secret/a", "a/../a", "./a", "a/", "/a", "a%2f..", "a\x00", `a\..`, "acme/secret/a", "",
	} {
		for what, err := range map[string]error{
			"secret":       failure(rival.RevealSecret(t.Context(), name)),
			"organization": failure(f.client.Organization(t.Context(), name)),
			"service":      failure(rival.Service(t.Context(), name)),
			"version":      failure(rival.RevealVersion(t.Context(), name, 1)),
			"delete":       rival.DeleteSecret(t.Context(), name, &secrets.DeleteOptions{Revoke: true}),
		} {
			if !errors.Is(err, secrets.ErrInvalidName) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}

// Upper case and spaces made a second identity.
func TestCVE202564761CaseAndSpacesMakeNoSecondIdentity(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	for _, name := range []secrets.Name{"Acme", "ACME", "acme ", " acme", "acme\t", "acme\n", "acmé", "ac\u200bme"} {
		wantError(t, failure(f.client.CreateOrganization(t.Context(), name)), secrets.ErrInvalidName)
		wantError(t, failure(f.org.CreateService(t.Context(), name)), secrets.ErrInvalidName)
		wantError(t, failure(f.org.CreateSecret(t.Context(), name, text("v"))), secrets.ErrInvalidName)
	}
	made(t)(f.org.CreateSecret(t.Context(), "b", text("two")))
	for _, env := range []string{"a", "A "} {
		wantError(t, failure(f.api.Grant(t.Context(), "b", env)), secrets.ErrInvalidEnv)
	}
}

// Who had access to something that was deleted had it again when the name was
// created anew.
func TestGHSAVV666RP4WR4FANameThatIsCreatedAgainRevivesNothing(t *testing.T) {
	t.Parallel()
	for what, again := range map[string]func(t *testing.T, f *fixture){
		"secret": func(t *testing.T, f *fixture) {
			if err := f.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true}); err != nil {
				t.Fatal(err)
			}
			made(t)(f.org.CreateSecret(t.Context(), "a", text("new")))
		},
		"service": func(t *testing.T, f *fixture) {
			if err := f.org.DeleteService(t.Context(), "api"); err != nil {
				t.Fatal(err)
			}
			f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
			f.give(t, "a", "new")
		},
		"organization": func(t *testing.T, f *fixture) {
			if err := f.client.DeleteOrganization(t.Context(), "acme", &secrets.DeleteOptions{Revoke: true}); err != nil {
				t.Fatal(err)
			}
			f.org = get(t)(f.client.CreateOrganization(t.Context(), "acme"))
			f.api = getService(t)(f.org.CreateService(t.Context(), "api"))
			f.give(t, "a", "new")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.give(t, "a", "old")
			token := f.token(t)
			session := f.connect(t, token)
			old := entries(t, f.store, "org/")
			again(t, f)
			for _, reading := range []string{"as it is", "with the old rows"} {
				if got := lookup(t.Context(), session, "A"); got == "new" || got == "old" {
					t.Errorf("%s: the old session reads %q", reading, got)
				}
				if fresh, err := secrets.Connect(t.Context(), f.store, token); err == nil {
					if got := lookup(t.Context(), fresh, "A"); got == "new" || got == "old" {
						t.Errorf("%s: the old token reads %q", reading, got)
					}
				}
				for _, e := range old {
					if strings.HasPrefix(e.Key, "org/acme/env/") {
						restore(t, f.store, []storage.Entry{e})
					}
				}
			}
		})
	}
}

// Kubernetes: a rule held on one way to read and not on another.
func TestCVE20243177EveryWayToReadRefusesWhatWasRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, newMemory(t))
		f.give(t, "a", "one")
		f.give(t, "b", "two")
		token := f.token(t)
		session := f.connect(t, token)
		path := filepath.Join(t.TempDir(), "cache")
		cached, err := secrets.ConnectCached(t.Context(), f.store, token, secrets.CacheOptions{Path: path, MaxStale: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cached.Environment(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.api.Revoke(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		for what, source := range map[string]secrets.Source{
			"session": session, "new session": f.connect(t, token), "cached session": cached, "service": f.api,
		} {
			want(t, lookup(t.Context(), source, "A"), "absent")
			want(t, lookup(t.Context(), source, "B"), "two")
			env, err := source.Environment(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := env.Secret("a"); ok {
				t.Errorf("%s: the secret is there by its name", what)
			}
			child, err := envload.Environ(t.Context(), source, nil)
			if err != nil || strings.Contains(fmt.Sprint(child), planted+"one") {
				t.Errorf("%s: the child's environment has it, %v", what, err)
			}
			type config struct {
				A string `env:"A"`
			}
			if parsed, err := envload.Parse[config](t.Context(), source, nil); err != nil || parsed.A != "" {
				t.Errorf("%s: the struct has it, %v", what, err)
			}
		}
		for env, err := range session.Watch(t.Context()) {
			if _, ok := env.Lookup("A"); ok || err != nil {
				t.Errorf("the watcher has it, %v", err)
			}
			break
		}
	})
}

// SOPS: a list of recipients that nothing authenticates. Whoever can write adds
// himself, and the next who encrypts does so for him.
func TestSops224NobodyMakesHimselfARecipient(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made(t)(f.org.CreateSecret(t.Context(), "other", text("not for api")))
	getService(t)(f.org.CreateService(t.Context(), "web"))
	f.give(t, "a", "one")
	token := f.token(t)

	// The records of a grant that there is, put in the place of those of another one.
	for _, record := range []string{"org/acme/env/api/a", "org/acme/access/a"} {
		c := f.clone(t)
		value := stored(t, c.store, record).Value
		for _, key := range []string{strings.TrimSuffix(record, "a") + "other", "org/acme/env/api/other"} {
			restore(t, c.store, []storage.Entry{{Key: key, Value: value}})
		}
		err := failure(c.org.UpdateSecret(t.Context(), "other", text("still not for api"), nil))
		if got := lookup(t.Context(), c.connect(t, token), "OTHER"); strings.Contains(got, "api") {
			t.Errorf("%s: api reads %q after %v", record, got, err)
		}
		if grants, err := c.org.Usage(t.Context(), "other"); len(grants) != 0 {
			t.Errorf("%s: grants %v, %v", record, grants, err)
		}
	}
}

// Vault: a request whose context was cancelled left a secret half deleted.
func TestVault16488ACancelledDeletionIsDoneOrNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	crowded(t, f)
	for n := 1; ; n++ {
		more := false
		synctest.Test(t, func(t *testing.T) {
			c := f.clone(t)
			store := storagetest.NewFaulty(c.store, storagetest.CanceledAfter)
			org := c.on(t, store)
			err := org.DeleteSecret(store.Fail(t.Context(), n), "a", &secrets.DeleteOptions{Revoke: true})
			more = err != nil
			seen := lookup(t.Context(), c.api, "A")
			_, reveal := c.org.RevealSecret(t.Context(), "a")
			if gone := errors.Is(reveal, secrets.ErrNotFound); gone != (seen == "absent") || !gone && seen != "one" {
				t.Errorf("cancelled at call %d: the service reads %q, the administrator gets %v", n, seen, reveal)
			}
			err = c.org.DeleteSecret(t.Context(), "a", &secrets.DeleteOptions{Revoke: true})
			if err != nil && !errors.Is(err, secrets.ErrNotFound) {
				t.Errorf("cancelled at call %d: again: %v", n, err)
			}
			if left := entries(t, c.store, "org/acme/env/"); len(left) > 0 {
				t.Errorf("cancelled at call %d: %d rows left", n, len(left))
			}
		})
		if !more || t.Failed() {
			return
		}
	}
}

// A file was rewritten through a symbolic link, as root.
func TestCVE202628684TheCacheIsNotWrittenThroughALink(t *testing.T) {
	t.Parallel()
	o := newOffline(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, o.path); err != nil {
		t.Fatal(err)
	}
	got, err := o.start(t)
	if err != nil || got != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	data, err := os.ReadFile(victim)
	if err != nil || string(data) != "untouched" {
		t.Errorf("the file behind the link holds %d bytes, %v", len(data), err)
	}
}

// An audit log left some types of values as they were.
func TestCVE202562705NoTypeThatHoldsAValueIsEncodedWithIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	env, err := f.api.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, _ := env.Lookup("A")
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	type request struct {
		Value  secrets.Value
		Any    any
		Nested map[string][]secrets.Value
		Token  *secrets.Token
	}
	for _, what := range []any{
		v, &v, env, secrets.Variable{Name: "A", Value: v}, token, &token, f.connect(t, token), f.client, f.org, f.api,
		request{Value: v, Any: v, Nested: map[string][]secrets.Value{"a": {v}}, Token: &token},
	} {
		logger.Info("audit", "what", what, slog.Group("group", "what", what))
		fmt.Fprintf(&log, "%v %+v %#v %s\n", what, what, what, what)
		if data, err := json.Marshal(what); err == nil {
			log.Write(data)
		}
	}
	for _, secret := range []string{planted, token.Reveal()} {
		if found(log.Bytes(), []byte(secret)) {
			t.Error("a value or token was encoded")
		}
	}
}
