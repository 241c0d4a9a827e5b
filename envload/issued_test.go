package envload_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// tokenText returns a token as the administrator hands it out.
func tokenText(t *testing.T) string {
	t.Helper()
	org, _ := secretstest.New(t)
	service, err := org.CreateService(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	token, err := service.IssueToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

func TestSessionsAndServicesAreSources(t *testing.T) {
	ctx := t.Context()
	org, store := secretstest.New(t)
	value := "line\npa$$word$HOME\n\xff"
	secret, err := org.CreateSecret(ctx, "api-key", secrets.Text(value))
	if err != nil {
		t.Fatal(err)
	}
	service, err := org.CreateService(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Grant(ctx, "api-key", "ENVLOAD_KEY"); err != nil {
		t.Fatal(err)
	}
	issued, err := service.IssueToken(ctx)
	if err != nil {
		t.Fatal(err)
	}

	token, err := takeToken(t, vars{tokenVar: issued.Reveal()})
	if err != nil {
		t.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		t.Fatal(err)
	}
	type config struct {
		Key string `env:"ENVLOAD_KEY,required"`
	}
	got, err := envload.Parse[config](ctx, session, nil)
	if err != nil || got.Key != value {
		t.Errorf("Parse: got %q, %v", got.Key, err)
	}
	list, err := envload.Environ(ctx, service, nil)
	if err != nil || len(list) != 1 || list[0] != "ENVLOAD_KEY="+value {
		t.Errorf("Environ: got %q, %v", list, err)
	}
	unset(t, "ENVLOAD_KEY")
	report, err := envload.Load(ctx, session, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := envload.Loaded{Name: "ENVLOAD_KEY", Secret: "api-key", ID: secret.ID, Version: 1, Action: envload.Set}
	if len(report.Variables) != 1 || report.Variables[0] != want {
		t.Errorf("Load: got %v", report)
	}
}
