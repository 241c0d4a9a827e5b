package secrets_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
)

const (
	memoryChild = "SECRETS_TEST_MEMORY_CHILD"
	memoryValue = 512 // bytes
)

// What the engine makes of a value while it encrypts, stores and decrypts it is
// cleared afterwards: in the memory of the process there are the copies that the
// caller holds, and no others. The value is longer than what Go converts on a
// stack, which is copied as a whole when it grows, and than what it copies by
// registers at a time, which a signal saves.
func TestMemoryHoldsTheValuesThatTheCallerHoldsAndNoOthers(t *testing.T) {
	t.Parallel()
	canary := make([]byte, memoryValue/2)
	_, _ = rand.Read(canary)
	canary = []byte(hex.EncodeToString(canary))
	for held, steps := range map[int]string{1: "create", 2: "create and read"} {
		if n := copiesInChild(t, steps, canary); n < 1 || n > held {
			t.Errorf("%s: %d copies in memory, want at most the %d that are held", steps, n, held)
		}
	}
}

// copiesInChild runs TestChildWithValues with a value, and counts its copies in
// the memory of that process.
func copiesInChild(t *testing.T, steps string, value []byte) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildWithValues$")
	cmd.Env = append(os.Environ(), memoryChild+"="+steps)
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
	defer func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := in.Write(value); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 6)
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready\n" {
		t.Fatalf("the child says %q, %v", ready, err)
	}
	return countInMemory(t, cmd.Process.Pid, value)
}

// countInMemory counts how often a text is in the writable memory of a process. The
// list of its mappings is not read at one instant, and may name one twice.
func countInMemory(t *testing.T, pid int, text []byte) int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	at := map[int64]bool{}
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		begin, end, _ := strings.Cut(fields[0], "-")
		from, err1 := strconv.ParseInt(begin, 16, 64)
		to, err2 := strconv.ParseInt(end, 16, 64)
		if err1 != nil || err2 != nil || !strings.HasPrefix(fields[1], "rw") {
			continue
		}
		page := make([]byte, to-from)
		read, _ := mem.ReadAt(page, from) // the rest of a mapping may not be there
		for begin := 0; ; begin++ {
			i := bytes.Index(page[begin:read], text)
			if i < 0 {
				break
			}
			begin += i
			at[from+int64(begin)] = true
		}
	}
	return len(at)
}

// TestChildWithValues is the process that is looked into.
func TestChildWithValues(t *testing.T) {
	steps := os.Getenv(memoryChild)
	if steps == "" {
		return // not started by copiesInChild
	}
	buf := make([]byte, memoryValue)
	if _, err := io.ReadFull(os.Stdin, buf); err != nil {
		t.Fatal(err)
	}
	value := secrets.Bytes(buf)
	clear(buf)
	root, err := crypto.KeyFile(filepath.Join(t.TempDir(), "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := secrets.Open(memory.New(), root, nil)
	if err != nil {
		t.Fatal(err)
	}
	org := get(t)(client.CreateOrganization(t.Context(), "acme"))
	for _, name := range names("secret", 20) {
		if _, err := org.CreateSecret(t.Context(), name, value); err != nil {
			t.Fatal(err)
		}
		if _, err := org.UpdateSecret(t.Context(), name, value, nil); err != nil { // keeps the first one, encrypted anew
			t.Fatal(err)
		}
	}
	var read secrets.Value
	if steps == "create and read" {
		if read, err = org.RevealSecret(t.Context(), "secret-0000"); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if value.IsZero() || steps == "create and read" && !read.Equal(value) { // they are held until here
		t.Error("the values are gone")
	}
}
