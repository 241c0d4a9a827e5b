package secretstest

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// process guards what [capture] replaces, which belongs to the whole process.
var process sync.Mutex

// capture runs fn and returns everything that it lets out.
func capture(t testing.TB, fn func() error) []surface {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	var logs buffer
	defer replaceLoggers(&logs)()
	stdout := replaceFile(t, &os.Stdout)
	defer stdout.restore()
	stderr := replaceFile(t, &os.Stderr)
	defer stderr.restore()

	panicked, err := call(fn)
	surfaces := []surface{
		{"the log", logs.String()},
		{"the standard output", stdout.read(t)},
		{"the standard error", stderr.read(t)},
	}
	if err != nil {
		surfaces = append(surfaces, printings("the error", err)...)
	}
	if panicked != nil {
		surfaces = append(surfaces, printings("the panic", panicked)...)
	}
	return surfaces
}

func call(fn func() error) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, fn()
}

// replaceLoggers sends the default loggers to w and returns what undoes it.
func replaceLoggers(w io.Writer) (restore func()) {
	logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(newLogger(w))
	log.SetOutput(w) // SetDefault has put slog behind it
	return func() {
		slog.SetDefault(logger)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}
}

// A replacement is a file that stands for os.Stdout or os.Stderr. It is not a
// pipe, which a child process left behind could keep open for ever.
type replacement struct {
	place    **os.File
	original *os.File
	file     *os.File
}

func replaceFile(t testing.TB, place **os.File) *replacement {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	r := &replacement{place: place, original: *place, file: file}
	*place = file
	return r
}

func (r *replacement) read(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(r.file.Name())
	if err != nil {
		t.Fatalf("secretstest: %v", err)
	}
	return string(text)
}

func (r *replacement) restore() {
	*r.place = r.original
	_ = r.file.Close() // it was read already
}

// A buffer takes writes from several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
