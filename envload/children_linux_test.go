package envload_test

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// The kernel shows the environment that a process was started with for as long as
// the process lives.
func TestAChildWasStartedWithWhatItIsGrantedAndNothingElse(t *testing.T) {
	t.Setenv("ENVLOAD_PARENT", canary)
	t.Setenv(tokenVar, canary)
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "ENVLOAD_A", Value: secrets.Text("granted")},
		secrets.Variable{Name: secrets.NoEnv, Secret: "large", Value: secrets.Text(canary)},
	)
	if err != nil {
		t.Fatal(err)
	}
	environ, err := envload.Environ(t.Context(), env, &envload.Options{Base: []string{"LANG=C"}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cat", "/proc/self/environ")
	cmd.Env = environ
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("LANG=C\x00ENVLOAD_A=granted\x00", string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
