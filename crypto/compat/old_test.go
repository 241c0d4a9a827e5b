package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// An old is a running process of the program in the directory old.
type old struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *json.Decoder
}

// The two types of old/protocol.go.
type request struct {
	Op, Template                  string
	Keyset, Input, AssociatedData []byte
}

type response struct {
	Output []byte
	Error  string
}

func startOld(t testing.TB) *old {
	t.Helper()
	cmd := exec.Command(build(t, "old"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, in) })
	return &old{in: json.NewEncoder(in), out: json.NewDecoder(out)}
}

func stop(t testing.TB, cmd *exec.Cmd, in io.Closer) {
	t.Helper()
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// build compiles the program in dir and returns its path.
func build(t testing.TB, dir string) string {
	t.Helper()
	trackSources(t, dir)
	path := filepath.Join(t.TempDir(), dir)
	output, err := exec.Command("go", "build", "-o", path, "./"+dir).CombinedOutput()
	if err != nil {
		t.Fatalf("go build ./%s: %v\n%s", dir, err, output)
	}
	return path
}

// trackSources opens what the build reads, since go test would otherwise
// reuse its result after a change of these.
func trackSources(t testing.TB, dir string) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	for _, path := range append(sources, "go.mod", "go.sum") {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *old) call(req request) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.in.Encode(req); err != nil {
		return nil, err
	}
	var resp response
	if err := o.out.Decode(&resp); err != nil {
		return nil, err
	}
	if resp.Error != "" {
		return nil, errors.New(resp.Error)
	}
	return resp.Output, nil
}

func (o *old) newKeyset(t testing.TB, template string) []byte {
	t.Helper()
	serialized, err := o.call(request{Op: "new", Template: template})
	if err != nil {
		t.Fatal(err)
	}
	return serialized
}

// An oldRoot is a root in the other process: the old library with this keyset.
type oldRoot struct {
	old    *old
	keyset []byte
}

var _ crypto.Root = oldRoot{}

func (r oldRoot) Wrap(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return r.old.call(request{Op: "encrypt", Keyset: r.keyset, Input: plaintext, AssociatedData: associatedData})
}

func (r oldRoot) Unwrap(_ context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return r.old.call(request{Op: "decrypt", Keyset: r.keyset, Input: ciphertext, AssociatedData: associatedData})
}

// If this fails, the two libraries have learned to live in one program, and
// the processes of this package are needed no more.
func TestAProgramWithBothLibrariesPanicsAtStart(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(build(t, "both"))
	for _, variable := range os.Environ() { // one of them turns the panic into a warning
		if !strings.HasPrefix(variable, "GOLANG_PROTOBUF_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	output, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "has a name conflict") {
		t.Errorf("ended with %v and said:\n%s", err, output)
	}
}
