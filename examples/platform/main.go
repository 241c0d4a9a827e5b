// Command platform is a small platform that embeds the engine: it starts each
// of its apps as a child process whose environment holds the secrets of its
// service and nothing else. The apps are this program itself, started again.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// apps says which secrets each app is granted.
var apps = []struct {
	name    secrets.Name
	secrets []secrets.Name
}{
	{"shop", []secrets.Name{"database-url", "payment-key"}},
	{"mailer", []secrets.Name{"smtp-password"}},
	{"status", nil},
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "app" {
		app(os.Args[2], os.Stdout)
		return
	}
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// app is what the child process does: it shows which variables it was given.
func app(name string, out io.Writer) {
	var names []string
	for _, variable := range os.Environ() {
		env, _, _ := strings.Cut(variable, "=")
		names = append(names, env)
	}
	slices.Sort(names)
	fmt.Fprintf(out, "%s was started with %q\n", name, names)
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "platform-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "secrets.db"), nil)
	if err != nil {
		return err
	}
	defer store.Close()
	root, err := crypto.KeyFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return err
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		return err
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		return err
	}
	for _, app := range apps {
		service, err := deploy(ctx, org, app.name, app.secrets)
		if err != nil {
			return err
		}
		if err := start(ctx, service, out); err != nil {
			return err
		}
	}
	return nil
}

// deploy creates a service and grants it its secrets.
func deploy(ctx context.Context, org *secrets.Organization, name secrets.Name, granted []secrets.Name) (*secrets.Service, error) {
	service, err := org.CreateService(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, secret := range granted {
		if _, err := org.SetSecret(ctx, secret, secrets.Text("made up for "+string(secret))); err != nil {
			return nil, err
		}
		if _, err := service.Grant(ctx, secret, ""); err != nil {
			return nil, err
		}
	}
	return service, nil
}

// start runs the app of a service to its end.
func start(ctx context.Context, service *secrets.Service, out io.Writer) error {
	environ, err := envload.Environ(ctx, service, nil)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "app", string(service.Name()))
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, out, os.Stderr
	return cmd.Run()
}
