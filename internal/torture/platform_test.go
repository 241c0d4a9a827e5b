package torture_test

import (
	"context"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A platform is an organization whose secret "a" was granted to its service.
type platform struct {
	admin *secrets.Client
	org   *secrets.Organization
	api   *secrets.Service
	token secrets.Token
}

func newPlatform(t testing.TB, store storage.Store, value string) *platform {
	t.Helper()
	p := &platform{}
	p.admin = must(secrets.Open(store, newRoot(t), nil))(t)
	p.org = must(p.admin.CreateOrganization(t.Context(), "acme"))(t)
	p.api = must(p.org.CreateService(t.Context(), "api"))(t)
	must(p.org.CreateSecret(t.Context(), "a", secrets.Text(value)))(t)
	must(p.api.Grant(t.Context(), "a", ""))(t)
	p.token = must(p.api.IssueToken(t.Context()))(t)
	return p
}

// must returns a function that ends the test if there was an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A variable is what the app makes of the secret.
type variable struct {
	A string `env:"A"`
}

// watch follows the variable until stop, which leaves nothing behind.
func watch(t testing.TB, session *secrets.Session) (live *envload.Live[variable], stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	live = must(envload.Watch[variable](ctx, session, &envload.Options{Base: []string{}}))(t)
	return live, func() {
		cancel()
		<-live.Done()
	}
}

func (p *platform) connect(t testing.TB, store storage.Store) *secrets.Session {
	t.Helper()
	return must(secrets.Connect(t.Context(), store, p.token))(t)
}

// wantValue looks from both sides.
func (p *platform) wantValue(t testing.TB, want string) {
	t.Helper()
	value := must(p.org.RevealSecret(t.Context(), "a"))(t)
	if value.Reveal() != want {
		t.Errorf("the administrator sees %q, want %q", value.Reveal(), want)
	}
	if value, _ := find(must(p.api.Environment(t.Context()))(t), "a"); value != want {
		t.Errorf("the service sees %q, want %q", value, want)
	}
}

// wantClean wants nothing to be half done, and every record to open.
func (p *platform) wantClean(t testing.TB) {
	t.Helper()
	if swept := must(p.admin.Sweep(t.Context()))(t); swept != (secrets.SweepReport{}) {
		t.Errorf("something was left to be finished: %+v", swept)
	}
	report := must(p.admin.Verify(t.Context(), "acme"))(t)
	if len(report.Findings) > 0 {
		t.Errorf("%d findings, the first: %+v", len(report.Findings), report.Findings[0])
	}
}
