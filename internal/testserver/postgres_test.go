package testserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
	"github.com/seed-9f6dc42a/secrets/internal/testserver"
)

// childVariable has the test binary start a server and wait to be killed.
const childVariable = "SECRETS_TEST_SERVER_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		leaktest.Main(m) // which ends the process
	}
	server, err := testserver.StartPostgres("-c fsync=off")
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(server.Folder)
	select {}
}

// require skips where the servers of all tests were declared absent.
func require(t *testing.T) {
	t.Helper()
	if os.Getenv("SECRETS_TEST_POSTGRES") != "" {
		_, err := testserver.OpenPostgres()
		testserver.Require(t, err)
	}
}

func TestServerIsGoneWhenItIsStopped(t *testing.T) {
	t.Parallel()
	require(t)
	server, err := testserver.StartPostgres("-c fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(server.Folder + "/.s.PGSQL.5432"); err != nil {
		t.Errorf("no socket: %v", err)
	}
	server.Stop()
	if _, err := os.Stat(server.Folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestServerIsGoneWhenItsProcessWasKilled(t *testing.T) {
	t.Parallel()
	require(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=true")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	folder := strings.TrimSpace(line)
	if _, statErr := os.Stat(folder + "/data/postmaster.pid"); err != nil || statErr != nil {
		t.Errorf("the child did not start a server: %q, %v, %v", line, err, statErr)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there", folder)
		}
	}
}
