package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

const childVariable = "SECRETS_TEST_CHILD"

// TestMain runs the test binary as another process of a test: one that obeys
// the lines it reads, and ends with the last of them, so that none outlives
// the test however that ends.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		leaktest.Main(m) // which ends the process
	}
	obey(os.Stdin, os.Stdout)
}

// A child is another process.
type child struct {
	t       testing.TB
	process *os.Process
	in      io.Writer
	out     *bufio.Reader
}

// start starts a child. change may change how.
func start(t testing.TB, change ...func(*exec.Cmd)) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	for _, change := range change {
		change(cmd)
	}
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
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &child{t: t, process: cmd.Process, in: in, out: bufio.NewReader(out)}
}

// send gives an order, receive waits for the answer to it, do does both.
func (c *child) send(words ...any) {
	c.t.Helper()
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, strconv.Quote(fmt.Sprint(word)))
	}
	if _, err := fmt.Fprintln(c.in, strings.Join(quoted, " ")); err != nil {
		c.t.Fatalf("child: %v", err)
	}
}

func (c *child) receive() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("child: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *child) do(words ...any) string {
	c.t.Helper()
	c.send(words...)
	return c.receive()
}

// must fails the test unless the answer is the expected one.
func (c *child) must(want string, words ...any) {
	c.t.Helper()
	if got := c.do(words...); got != want {
		c.t.Fatalf("child, %v: got %q, want %q", words, got, want)
	}
}

// kill is kill -9.
func (c *child) kill() {
	c.t.Helper()
	if err := c.process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c.out) // until it has ended
}

// A servant is the other side.
type servant struct {
	store   *sqlite.Store
	signals <-chan struct{}
	out     io.Writer
}

func obey(in io.Reader, out io.Writer) {
	s := &servant{out: out}
	lines := bufio.NewScanner(in)
	orders := make(chan []string)
	go func() {
		for lines.Scan() {
			orders <- unquote(lines.Text())
		}
		os.Exit(0) // also in the middle of an order
	}()
	for order := range orders {
		fmt.Fprintln(out, s.obey(order[0], order[1:]))
	}
}

func unquote(line string) (words []string) {
	for line != "" {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			panic(err)
		}
		word, _ := strconv.Unquote(quoted)
		words = append(words, word)
		line = strings.TrimPrefix(line[len(quoted):], " ")
	}
	return words
}

func (s *servant) obey(order string, args []string) string {
	ctx := context.Background()
	switch order {
	case "open":
		store, err := sqlite.Open(ctx, args[0], nil)
		s.store = store
		return answer(err)
	case "close":
		return answer(s.store.Close())
	case "get":
		found, err := s.store.Get(ctx, args...)
		if err != nil {
			return answer(err)
		}
		return "got" + values(found)
	case "put":
		return answer(put(ctx, s.store, args[0], args[1]))
	case "watch":
		signals, err := s.store.Changes(ctx, args...)
		s.signals = signals
		return answer(err)
	case "wait":
		return s.wait(args[0])
	case "increment":
		return s.increment(ctx, args[0])
	case "acknowledge":
		return s.acknowledge(ctx, args[0])
	case "purge":
		return s.purge(ctx)
	case "compare":
		return s.compare(ctx, args[0])
	case "limit":
		return answer(limitFileSize(args[0]))
	default:
		return "unknown order " + order
	}
}

// answer says what kind of error it is, and the text.
func answer(err error) string {
	if err == nil {
		return "ok"
	}
	for _, kind := range []error{
		storage.ErrUnknownOutcome, storage.ErrUnavailable, storage.ErrConflict, fs.ErrPermission, fs.ErrNotExist,
	} {
		if errors.Is(err, kind) {
			return fmt.Sprintf("%v: %v", kind, err)
		}
	}
	return "other: " + err.Error()
}

func values(entries []storage.Entry) (s string) {
	for _, e := range entries {
		s += " " + string(e.Value)
	}
	return s
}

// put replaces what is there, whatever that is.
func put(ctx context.Context, s storage.Store, key, value string) error {
	found, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	check := storage.Check{Key: key}
	if len(found) > 0 {
		check.Version = found[0].Version
	}
	return s.Commit(ctx, storage.Batch{
		Checks: []storage.Check{check},
		Puts:   []storage.Put{{Key: key, Value: []byte(value)}},
	})
}

func (s *servant) wait(most string) string {
	timeout, err := time.ParseDuration(most)
	if err != nil {
		return err.Error()
	}
	select {
	case <-s.signals:
		return "signal"
	case <-time.After(timeout):
		return "quiet"
	}
}

// increment counts under one key, and says how long its longest commit took.
func (s *servant) increment(ctx context.Context, times string) string {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err.Error()
	}
	var longest time.Duration
	for n > 0 {
		before := time.Now()
		err := incrementOnce(ctx, s.store)
		longest = max(longest, time.Since(before))
		if err == nil {
			n--
		} else if !errors.Is(err, storage.ErrConflict) {
			return answer(err)
		}
	}
	return longest.String()
}

func incrementOnce(ctx context.Context, s storage.Store) error {
	found, err := s.Get(ctx, "counter")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(found[0].Value))
	if err != nil {
		return err
	}
	return s.Commit(ctx, storage.Batch{
		Checks: []storage.Check{{Key: "counter", Version: found[0].Version}},
		Puts:   []storage.Put{{Key: "counter", Value: []byte(strconv.Itoa(n + 1))}},
	})
}

// acknowledge writes pairs of rows until it is killed, and says so each time.
func (s *servant) acknowledge(ctx context.Context, name string) string {
	for i := 0; ; i++ {
		err := s.store.Commit(ctx, storage.Batch{
			Checks: []storage.Check{{Key: fmt.Sprintf("left/%s/%d", name, i)}},
			Puts: []storage.Put{
				{Key: fmt.Sprintf("left/%s/%d", name, i), Value: []byte("v")},
				{Key: fmt.Sprintf("right/%s/%d", name, i), Value: make([]byte, 5000)},
			},
		})
		if err != nil {
			return answer(err)
		}
		fmt.Fprintln(s.out, i)
	}
}

// purge purges until it is killed, and says so each time.
func (s *servant) purge(ctx context.Context) string {
	for {
		if err := s.store.Purge(ctx); err != nil {
			return answer(err)
		}
		fmt.Fprintln(s.out, "purged")
	}
}

// compare reads for a while two keys that are always written together, and
// says what it saw last.
func (s *servant) compare(ctx context.Context, most string) string {
	timeout, err := time.ParseDuration(most)
	if err != nil {
		return err.Error()
	}
	last, reads := 0, 0
	for begin := time.Now(); time.Since(begin) < timeout; reads++ {
		found, err := s.store.Get(ctx, "left", "right")
		if err != nil {
			return answer(err)
		}
		left, right := string(found[0].Value), string(found[1].Value)
		n, _ := strconv.Atoi(left)
		if left != right || n < last {
			return fmt.Sprintf("%s and %s after %d", left, right, last)
		}
		last = n
	}
	return "same"
}
