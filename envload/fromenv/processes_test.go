package fromenv_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
	"github.com/seed-9f6dc42a/secrets/internal/apptest"
	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
)

// watchArgument as the first argument makes this program an app that prints
// each value of its secret.
const watchArgument = "watch-and-print"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == watchArgument {
		if err := watchAndPrint(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		syscall.Exit(0) // os.Exit waits a second under the race detector
	}
	leaktest.Main(m, apptest.Stop)
}

type watchedConfig struct {
	Value string `env:"WATCHED,required"`
}

// watchAndPrint ends with its standard input, and so with the test at the
// latest.
func watchAndPrint() error {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	session, err := fromenv.Connect(ctx)
	if err != nil {
		return err
	}
	live, err := envload.Watch[watchedConfig](ctx, session, nil)
	if err != nil {
		return err
	}
	live.OnChange(func(_, now *watchedConfig) { fmt.Println(now.Value) })
	fmt.Println(live.Get().Value)
	<-live.Done()
	return session.Close()
}

// An app is a child process that watches.
type app struct {
	printed chan string
	cmd     *exec.Cmd
	stdin   io.Closer
}

func startApp(t *testing.T, location string, token secrets.Token) *app {
	t.Helper()
	cmd := exec.Command(os.Args[0], watchArgument)
	cmd.Env = []string{fromenv.StoreVariable + "=" + location, fromenv.TokenVariable + "=" + token.Reveal()}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &app{printed: make(chan string), cmd: cmd, stdin: stdin}
	go func() {
		defer close(a.printed)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			a.printed <- lines.Text()
		}
	}()
	t.Cleanup(func() { a.end(t) })
	return a
}

// end waits for the process and its reader.
func (a *app) end(t *testing.T) {
	_ = a.stdin.Close()
	for range a.printed {
		// what came after the last look
	}
	if err := a.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// see returns once the app has printed the value.
func (a *app) see(t *testing.T, value string) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case got, ok := <-a.printed:
			if got == value {
				return
			}
			if !ok {
				t.Fatalf("the app has ended before it saw %q", value)
			}
		case <-timeout:
			t.Fatalf("after 30 seconds the app has not seen %q", value)
		}
	}
}

func TestThreeAppProcessesSeeEachUpdateWithinASecond(t *testing.T) {
	apptest.EachStore(t, func(t *testing.T, location string) {
		store, err := fromenv.Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		platform := apptest.New(t, store)
		platform.Give(t, "watched", "0")
		var apps []*app
		for range 3 {
			a := startApp(t, location, platform.Token(t))
			a.see(t, "0")
			apps = append(apps, a)
		}
		var delays []time.Duration
		for n := 1; n <= 20; n++ {
			begin := time.Now()
			platform.Give(t, "watched", strconv.Itoa(n))
			for _, a := range apps {
				a.see(t, strconv.Itoa(n))
				delays = append(delays, time.Since(begin))
			}
		}
		slices.Sort(delays)
		median, longest := delays[len(delays)/2], delays[len(delays)-1]
		t.Logf("from the call of SetSecret to the app: %v (median), %v at most", median, longest)
		if longest > time.Second || median > time.Second/2 {
			t.Error("that is too long")
		}
	})
}
