// Command webapp is an HTTP server whose configuration holds a secret: the DSN
// of its database, which never enters the environment of the process. It serves
// one request of its own and shuts down.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	_ "github.com/ncruces/go-sqlite3/driver" // the app's own database

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// config is filled from the secrets of the service, and from the environment of
// the process for what is not secret.
type config struct {
	Database secrets.Value `env:"DATABASE_URL,required,notEmpty"`
	Greeting string        `env:"WEBAPP_GREETING" envDefault:"Hello"`
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "webapp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, token, err := provision(ctx, dir)
	if err != nil {
		return err
	}
	defer store.Close()

	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		return err
	}
	cfg, err := envload.Parse[config](ctx, session, &envload.Options{
		Existing: envload.Overwrite, // whatever the shell has in DATABASE_URL
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "config: %+v\n", cfg) // the DSN does not print itself
	db, err := sql.Open("sqlite3", cfg.Database.Reveal())
	if err != nil {
		return err
	}
	defer db.Close()
	return serve(ctx, greeter(cfg.Greeting, db), out)
}

// greeter answers with a greeting for the name in the database.
func greeter(greeting string, db *sql.DB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var name string
		if err := db.QueryRowContext(r.Context(), "SELECT 'Ada'").Scan(&name); err != nil {
			http.Error(w, "no database", http.StatusInternalServerError) // err may quote the DSN
			return
		}
		fmt.Fprintf(w, "%s, %s!", greeting, name)
	}
}

// serve serves until one request was answered.
func serve(ctx context.Context, handler http.Handler, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	err = request(ctx, "http://"+listener.Addr().String(), out)
	err = errors.Join(err, server.Shutdown(ctx))
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}

func request(ctx context.Context, url string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Fprintf(out, "GET /: %s: %s\n", resp.Status, body)
	return err
}
