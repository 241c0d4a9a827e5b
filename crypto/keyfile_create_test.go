//go:build unix

package crypto_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func TestGoroutinesStartingAtOnceShareOneKey(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := keyPath(t)
		roots := make([]crypto.Root, 8)
		start := make(chan struct{})
		var wait sync.WaitGroup
		for i := range roots {
			wait.Go(func() {
				<-start
				roots[i] = must(crypto.KeyFile(path))
			})
		}
		close(start)
		wait.Wait()
		wrapped := must(must(crypto.NewKeyset()).Wrap(t.Context(), roots[0], organizationBinding))
		for i, root := range roots {
			if !opens(t, root, wrapped) {
				t.Errorf("goroutine %d has another key", i)
			}
		}
		if names := directory(t, filepath.Dir(path)); !cmp.Equal(names, []string{"root.json"}) {
			t.Errorf("left behind: %v", names)
		}
	}
}

// childPath, in a process that a test started of itself, is the key file that
// it is to open.
const childPath = "SECRETS_TEST_KEY_FILE"

// child returns this test binary, to run the named test as a child.
func child(t *testing.T, test, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), must(os.Executable()), "-test.run=^"+test+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), childPath+"="+path)
	return cmd
}

func TestProcessesStartingAtOnceShareOneKey(t *testing.T) {
	if path := os.Getenv(childPath); path != "" {
		wrapInChild(t, path)
		return
	}
	t.Parallel()
	path := keyPath(t)
	const processes = 6
	var starts []io.Closer
	var outputs [processes]bytes.Buffer
	var cmds []*exec.Cmd
	for i := range processes {
		cmd := child(t, "TestProcessesStartingAtOnceShareOneKey", path)
		cmd.Stdout, cmd.Stderr = &outputs[i], os.Stderr
		starts = append(starts, must(cmd.StdinPipe()))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, start := range starts {
		start.Close()
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("process %d: %v\n%s", i, err, &outputs[i])
		}
	}
	root := must(crypto.KeyFile(path))
	for i := range outputs {
		var wrapped []byte
		if _, err := fmt.Sscanf(outputs[i].String(), "wrapped %x\n", &wrapped); err != nil {
			t.Fatalf("process %d printed %q: %v", i, &outputs[i], err)
		}
		if !opens(t, root, wrapped) {
			t.Errorf("process %d has another key", i)
		}
	}
}

// wrapInChild waits for the end of stdin, so that all children go at once.
func wrapInChild(t *testing.T, path string) {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
	root := must(crypto.KeyFile(path))
	fmt.Printf("wrapped %x\n", must(must(crypto.NewKeyset()).Wrap(t.Context(), root, organizationBinding)))
}

// A limit of the file size stands in for a full disk, and works for root too.
func TestAFullDiskLeavesNothingBehind(t *testing.T) {
	if path := os.Getenv(childPath); path != "" {
		createOnFullDisk(t, path)
		return
	}
	t.Parallel()
	for limit := range uint64(3) {
		path := keyPath(t)
		cmd := child(t, "TestAFullDiskLeavesNothingBehind", path)
		cmd.Env = append(cmd.Env, fmt.Sprintf("SECRETS_TEST_LIMIT=%d", limit*40))
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		if names := directory(t, filepath.Dir(path)); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
		if _, err := crypto.KeyFile(path); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
}

func createOnFullDisk(t *testing.T, path string) {
	var limit uint64
	must(fmt.Sscan(os.Getenv("SECRETS_TEST_LIMIT"), &limit))
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	full := old
	full.Cur = limit
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	_, err := crypto.KeyFile(path)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	var fault *crypto.KeyFileError
	if !errors.As(err, &fault) || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v", err)
	}
}

func TestAKeyFileThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "", "has no path; name the file", nil)
	refused(t, filepath.Join(dir, "absent", "root.json"), "cannot be created; make its folder first", nil)
	refused(t, filepath.Join(file, "root.json"), "cannot be opened", nil)
	refused(t, dir+"/", "", nil)
	refused(t, filepath.Join(dir, "nul\x00byte"), "cannot be opened", nil)
	refused(t, filepath.Join(dir, string(bytes.Repeat([]byte("x"), 300))), "cannot be opened", nil)
	if names := directory(t, dir); !cmp.Equal(names, []string{"file"}) {
		t.Errorf("left behind: %v", names)
	}

	_, err := crypto.KeyFile(filepath.Join(dir, "absent", "root.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// What was meant to name the file holds the key itself. The test is not
// parallel: no file may be made in the current folder.
func TestAKeyInPlaceOfThePathIsNeitherRepeatedNorMadeAFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	handle := must(keyset.NewHandle(aead.AES256GCMKeyTemplate()))
	asJSON := jsonOf(t, handle)
	var asBinary, indented bytes.Buffer
	if err := errors.Join(
		insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&asBinary)),
		json.Indent(&indented, asJSON, "", "\t"),
	); err != nil {
		t.Fatal(err)
	}
	for what, given := range map[string][]byte{
		"JSON": asJSON, "indented": indented.Bytes(), "after a space": append([]byte(" "), asJSON...), "binary": asBinary.Bytes(),
		"a line": []byte("hunter2-hunter2\n"), "4,097 bytes": bytes.Repeat([]byte("hunter2/"), 513)[:4097],
	} {
		root, err := crypto.KeyFile(string(given))
		fault, ok := errors.AsType[*crypto.KeyFileError](err)
		if root != nil || !ok || fault.Path != "" || !strings.Contains(fault.Reason, "name the file") {
			t.Errorf("%s: got a %T with another path or reason", what, err) // which may hold the key
			continue
		}
		for part := range slices.Chunk(given, 7) {
			if len(part) == 7 && strings.Contains(err.Error(), string(part)) {
				t.Errorf("%s: the error repeats a part of it", what)
			}
		}
	}
	if names := directory(t, dir); len(names) > 0 {
		t.Errorf("made: %d files", len(names))
	}
	must(crypto.KeyFile("odd {name}"))
}

func TestAReadOnlyDirectoryServesAnExistingKeyFile(t *testing.T) {
	t.Parallel()
	path := keyPath(t)
	must(crypto.KeyFile(path))
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) }) // so that it can be removed
	if _, err := crypto.KeyFile(path); err != nil {
		t.Errorf("existing: %v", err)
	}
	missing := path + "x"
	if os.Geteuid() == 0 { // whom a mode does not stop: take a place where nobody can make a file
		missing = "/dev/fd/root.json"
	}
	refused(t, missing, "cannot be created", nil)
}
