// Package testserver starts real servers for tests, and ends them with the
// test process, whatever becomes of that.
package testserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// postgresVariable names a server by its connection string, or says that there
// is none. A role that may create schemas, roles and databases is expected.
const postgresVariable = "SECRETS_TEST_POSTGRES"

// ErrAbsent says that a server was declared absent.
var ErrAbsent = errors.New(postgresVariable + "=absent")

// Postgres is a PostgreSQL server for tests. One that was started ends when it
// is stopped, and when nothing refers to it any more.
type Postgres struct {
	// DSN is a connection string of its superuser, without a password.
	DSN string

	// Folder is where the server has its data and its socket. It is empty if
	// the server was named and not started.
	Folder string

	bin     string
	options string
	alive   io.Closer // the guard ends the server when this is closed
	guard   *exec.Cmd
}

// OpenPostgres returns the server that SECRETS_TEST_POSTGRES names, or starts
// one that does not wait for the disk, which is to be stopped.
func OpenPostgres() (*Postgres, error) {
	switch dsn := os.Getenv(postgresVariable); dsn {
	case "":
		return StartPostgres("-c fsync=off -c full_page_writes=off")
	case "absent":
		return nil, ErrAbsent
	default:
		return &Postgres{DSN: dsn}, nil
	}
}

// Require ends a test for which there is no server. It is skipped only if the
// server was declared absent, and never in CI.
func Require(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrAbsent) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// StartPostgres starts a server with its data in a new folder, reached by a
// socket in that folder only. options are those of the postgres command.
func StartPostgres(options string) (*Postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		return nil, err
	}
	p := &Postgres{DSN: "host=" + folder + " user=postgres dbname=postgres sslmode=disable", Folder: folder, bin: bin}
	if err := p.start(options); err != nil {
		p.Stop()
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return p, nil
}

func (p *Postgres) start(options string) error {
	if err := giveAway(p.Folder); err != nil {
		return err
	}
	if err := p.initialize(); err != nil {
		return err
	}
	if err := p.startGuard(); err != nil {
		return err
	}
	p.options = options + " -c max_connections=200 -c listen_addresses='' -c unix_socket_directories=" + p.Folder
	return p.Up()
}

// Down ends the server as [Postgres.Crash] does, and leaves it so until Up.
func (p *Postgres) Down() error {
	return p.run("pg_ctl", "-D", p.data(), "-m", "immediate", "-w", "stop")
}

// Up starts the server again, where it was.
func (p *Postgres) Up() error {
	return p.run("pg_ctl", "-D", p.data(), "-l", filepath.Join(p.Folder, "log"), "-w", "-o", p.options, "start")
}

// initialize makes a database whose order of text is not that of bytes, if
// this server can have one on every machine.
func (p *Postgres) initialize() error {
	args := []string{"-D", p.data(), "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"}
	if err := p.run("initdb", append(args, "--locale-provider=icu", "--icu-locale=en-US")...); err == nil {
		return nil
	}
	return p.run("initdb", args...)
}

// startGuard starts what ends the server and removes its folder when this
// process has stopped it or is gone itself.
func (p *Postgres) startGuard() error {
	const script = `cat >/dev/null; "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf "$2"`
	p.guard = command("/bin/sh", "-c", script, "guard", p.bin, p.Folder)
	var err error
	if p.alive, err = p.guard.StdinPipe(); err != nil {
		return err
	}
	return p.guard.Start()
}

// Crash ends the server as a loss of power would, without one of the machine,
// and starts it again.
func (p *Postgres) Crash() error {
	return p.run("pg_ctl", "-D", p.data(), "-l", filepath.Join(p.Folder, "log"), "-m", "immediate", "-w", "restart")
}

// Stop ends a server that was started.
func (p *Postgres) Stop() {
	if p.alive == nil {
		return
	}
	_ = p.alive.Close()
	_ = p.guard.Wait() // of pg_ctl, if the server has not even begun
}

func (p *Postgres) data() string { return filepath.Join(p.Folder, "data") }

// run leaves the output in a file: the server would keep a pipe open.
func (p *Postgres) run(name string, args ...string) error {
	output, err := os.CreateTemp("", name)
	if err != nil {
		return err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	cmd := command(filepath.Join(p.bin, name), args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w\n%s", name, err, text)
	}
	return nil
}

// command runs where the user of the server may be.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	asOther(cmd)
	return cmd
}

// findPostgres returns the folder with the server's programs, which Debian
// keeps off the path, a folder for each version.
func findPostgres() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Reverse(debian)
	for _, folder := range append(folders, debian...) {
		if complete(folder, "initdb", "pg_ctl", "postgres") {
			return folder, nil
		}
	}
	return "", errors.New(strings.TrimSpace(`
PostgreSQL's programs were not found. Install them (Debian: postgresql), name a server with ` + postgresVariable + `
(a connection string), or skip its tests with ` + postgresVariable + `=absent.`))
}

func complete(folder string, programs ...string) bool {
	return !slices.ContainsFunc(programs, func(program string) bool {
		_, err := exec.LookPath(filepath.Join(folder, program))
		return err != nil
	})
}
