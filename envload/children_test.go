package envload_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// failToStart as the first argument makes this program one that can do nothing with
// its environment, and says so in many ways.
const failToStart = "fail-to-start"

func failStarting() {
	env, err := secrets.NewEnvironment()
	_, parse := envload.Parse[one[int]](context.Background(), env, nil)
	_, load := envload.Load(context.Background(), env, &envload.Options{Required: []string{"ENVLOAD_MISSING"}})
	_, token := envload.Token(tokenVar)
	all := errors.Join(err, parse, load, token)
	fmt.Printf("%v\n%+v\n%#v\n%q\n", all, all, all, all)
	log.Print(all)
	slog.Error("cannot start", "err", all)
	panic(all)
}

func TestAChildThatCannotStartShowsNothingOfItsEnvironment(t *testing.T) {
	t.Parallel()
	granted, err := secrets.NewEnvironment(secrets.Variable{Name: "A", Value: secrets.Text(canary)})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], failToStart)
	cmd.Env, err = envload.Environ(t.Context(), granted, &envload.Options{Base: []string{tokenVar + "=sks1_" + canary}})
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("the child has not failed")
	}
	for _, said := range []string{"A (", tokenVar, "ENVLOAD_MISSING", "cannot start", "panic: "} {
		if !strings.Contains(string(output), said) {
			t.Errorf("the child does not say %q", said)
		}
	}
	wantNoPart(t, errors.New(string(output)))

	cmd = exec.Command(os.Args[0] + ".absent")
	cmd.Env = []string{"A=" + canary}
	wantNoLeak(t, cmd.Run)
}
