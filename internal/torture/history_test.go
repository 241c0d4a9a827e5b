package torture_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-9f6dc42a/secrets"
)

// A history is what several clients did to the secrets, and what they saw.
type history struct {
	begin state // of each secret

	mu         sync.Mutex
	now        int64 // counts calls and returns, which thus never happen at once
	operations []porcupine.Operation
	surprises  []error // errors that no client should see
}

func (h *history) call() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	return h.now
}

// add records that an operation which was called then has returned now. One of
// unknown outcome never does.
func (h *history) add(client int, call int64, in input, out output) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	op := porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: h.now}
	if out.answer == unknown {
		op.Return = math.MaxInt64
	}
	h.operations = append(h.operations, op)
}

// surprise records an error that nothing explains.
func (h *history) surprise(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.surprises = append(h.surprises, err)
}

// of returns the operations on one secret, in the order of their calls.
func (h *history) of(secret secrets.Name) []porcupine.Operation {
	var ops []porcupine.Operation
	for _, op := range h.operations {
		if op.Input.(input).secret == secret {
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for i := range ops {
		ops[i].Input = withRival(ops, i)
	}
	return ops
}

// withRival returns the input of an operation, and says of a deletion whether
// there was another one at the same time: then both may return nil.
func withRival(ops []porcupine.Operation, i int) input {
	in := ops[i].Input.(input)
	for j, other := range ops {
		if in.kind == remove && i != j && other.Input.(input).kind == remove &&
			other.Call < ops[i].Return && ops[i].Call < other.Return {
			in.rival = true
		}
	}
	return in
}

// patience is how long the checker may take for one secret's history.
const patience = time.Minute

// check returns an error if a client met an error that it should not, or if the
// history is not linearizable.
func (h *history) check(t testing.TB) error {
	if len(h.surprises) > 0 {
		return fmt.Errorf("%d errors that no client should see, the first: %w", len(h.surprises), h.surprises[0])
	}
	return h.linearize(t)
}

// linearize returns an error that shows the history if it cannot be explained by
// operations that took effect one after another, each between its call and its
// return.
func (h *history) linearize(t testing.TB) error {
	for _, secret := range secretNames {
		ops := h.of(secret)
		result := porcupine.CheckOperationsTimeout(model(h.begin), ops, patience)
		if result == porcupine.Ok {
			continue
		}
		h.visualize(t, ops)
		return fmt.Errorf("the history of %q is not linearizable (checker: %s):\n%s", secret, result, printed(ops))
	}
	return nil
}

func printed(ops []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range ops {
		end := fmt.Sprint(op.Return)
		if op.Return == math.MaxInt64 {
			end = "..."
		}
		fmt.Fprintf(&b, "  %4d %4s  client %d: %v -> %v\n", op.Call, end, op.ClientId, op.Input, op.Output)
	}
	return b.String()
}

// visualize writes a history as a page, if that was asked for.
func (h *history) visualize(t testing.TB, ops []porcupine.Operation) {
	folder := os.Getenv("SECRETS_TEST_VISUALIZE")
	if folder == "" {
		return
	}
	_, info := porcupine.CheckOperationsVerbose(model(h.begin), ops, patience)
	path := filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-")+".html")
	if err := porcupine.VisualizePath(model(h.begin), info, path); err != nil {
		t.Error(err)
		return
	}
	t.Logf("see %s", path)
}
