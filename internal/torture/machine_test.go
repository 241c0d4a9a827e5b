package torture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// What one actor after the other does. That several do it at once, with faults of
// all sorts, is what the histories and the explorer of the engine's tests are for.
// Here the sequences are long, over everything that an organization has, and a
// failure is shrunk to the few steps that it takes.
func TestStepsTamperingAndCrashesKeepToTheModel(t *testing.T) {
	t.Parallel()
	root, rounds := newRoot(t), 1
	if long() {
		rounds = 10
	}
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { newMachine(t, root).run(t) })
	}
}

// A machine is the organization, and its model.
type machine struct {
	root  crypto.Root
	store *recorder
	view  *view // of a process that runs for longer
	world *world
	made  int             // values
	asked int             // tokens
	met   map[string]bool // what has been done, and how that ended
}

func newMachine(t *rapid.T, root crypto.Root) *machine {
	store := &recorder{Store: memory.New(), values: map[string][][]byte{}, written: map[string]bool{}}
	m := &machine{root: root, store: store, met: map[string]bool{}}
	m.world = &world{secrets: map[secrets.Name]state{"a": {}, "b": {}, "c": {}}, services: map[secrets.Name]map[secrets.Name]bool{}}
	client, err := secrets.Open(m.store, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateOrganization(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	m.view = m.start(t, m.store)
	return m
}

// run does one thing after another, and looks after each of them.
func (m *machine) run(t *rapid.T) {
	t.Repeat(map[string]func(*rapid.T){
		"":        m.check,
		"step":    m.step,
		"again":   m.step, // most of what happens is neither of the others
		"more":    m.step,
		"crash":   m.crash,
		"tamper":  m.tamper,
		"restart": func(t *rapid.T) { m.view = m.start(t, m.store) },
	})
}

// start starts a process without memory.
func (m *machine) start(t *rapid.T, store storage.Store) *view {
	client, err := secrets.Open(store, m.root, &secrets.Options{Versions: keptVersions})
	if err != nil {
		t.Fatal(err)
	}
	org, err := client.Organization(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	return &view{store, org, map[string]*secrets.Session{}}
}

// check looks with the process that runs, and with a fresh one.
func (m *machine) check(t *rapid.T) {
	for _, v := range []*view{m.view, m.start(t, m.store)} {
		if err := v.check(t.Context(), m.world, false); err != nil {
			t.Fatal(err)
		}
	}
}

// step does one thing.
func (m *machine) step(t *rapid.T) {
	s := m.draw(t)
	next := m.world.clone()
	err := s.do(t.Context(), m.view.org)
	if want := s.model(next); answerOf(err) != want {
		t.Fatalf("%s: got %v, want %s", s.name, err, want)
	}
	m.met[fmt.Sprintf("%s: %s", s.kind, answerOf(err))] = true
	m.world = next
}

// crash does one thing in a process that meets a fault. What became of it is
// seen, and is all or nothing; what takes several commits is repeated until it is
// done.
func (m *machine) crash(t *rapid.T) {
	s := m.draw(t)
	fault := rapid.SampledFrom(storagetest.Faults()).Draw(t, "fault")
	faulty := storagetest.NewFaulty(m.store, fault)
	org := m.start(t, faulty).org
	ctx := faulty.Fail(t.Context(), rapid.IntRange(1, 8).Draw(t, "call"))
	next := m.world.clone()
	err := s.do(ctx, org)
	want := s.model(next)
	if faulty.Failed() {
		m.met[fmt.Sprintf("crash with %v", fault)] = true
	}
	switch got := answerOf(err); {
	case got == want:
		m.world = next
	case got != unknown && got != nothing:
		t.Fatalf("%s: got %v, want %s", s.name, err, want)
	case s.long:
		if got := answerOf(s.do(t.Context(), m.start(t, m.store).org)); got != done && got != notFound {
			t.Fatalf("%s, repeated: %s", s.name, got)
		}
		m.world = next
	case got == unknown && m.start(t, m.store).check(t.Context(), next, false) == nil:
		m.world = next
	}
}

// tamper changes one record, looks, does one thing on top of that, and puts the
// record right again unless that was done by it.
func (m *machine) tamper(t *rapid.T) {
	key := rapid.SampledFrom(m.store.keys()).Draw(t, "key")
	before := m.store.current(t.Context(), key)
	after := m.drawTampering(t, key, before)
	if bytes.Equal(before, after) {
		return
	}
	m.store.force(t.Context(), key, after)
	m.store.written = map[string]bool{}
	for _, v := range []*view{m.view, m.startTampered(t)} {
		if v == nil {
			continue
		}
		if err := v.check(t.Context(), m.world, true); err != nil {
			t.Fatal(err)
		}
		if !m.allOf(key, after) {
			m.stepTampered(t, v)
		}
	}
	if !m.store.written[key] {
		m.store.force(t.Context(), key, before)
	}
	m.view = m.start(t, m.store) // the other has seen what was not so
}

// allOf reports whether a change of one record is the rollback of a whole secret,
// which a process that has not seen it later does not notice: it is hidden, or has
// left nothing else when it was deleted. Then it may be created anew, with versions
// that it had.
func (m *machine) allOf(key string, after []byte) bool {
	secret, ok := strings.CutPrefix(key, "org/acme/secret/")
	return ok && (after == nil || !m.world.secrets[secrets.Name(secret)].live)
}

// startTampered starts a process, or returns nil if what was changed keeps it
// from that.
func (m *machine) startTampered(t *rapid.T) *view {
	client, err := secrets.Open(m.store, m.root, &secrets.Options{Versions: keptVersions})
	if err != nil {
		t.Fatal(err)
	}
	org, err := client.Organization(t.Context(), "acme")
	if refused(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return &view{m.store, org, map[string]*secrets.Session{}}
}

// stepTampered does one thing, which is done right or refused. What takes
// something away goes on past what does not open, and has tests of its own.
func (m *machine) stepTampered(t *rapid.T, v *view) {
	s := m.draw(t)
	if s.deletes {
		return
	}
	next := m.world.clone()
	err := s.do(t.Context(), v.org)
	want := s.model(next)
	switch got := answerOf(err); {
	case got == want:
		m.world = next
	case !refused(err):
		t.Fatalf("%s: got %v, want %s", s.name, err, want)
	}
}

// drawTampering returns what a record becomes; nil removes it.
func (m *machine) drawTampering(t *rapid.T, key string, before []byte) []byte {
	how := rapid.SampledFrom([]string{"remove", "edit", "put back"}).Draw(t, "how")
	m.met["tamper: "+how] = true
	switch {
	case how == "remove":
		return nil
	case how == "edit" && len(before) > 0:
		edited := bytes.Clone(before)
		edited[rapid.IntRange(0, len(edited)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return edited
	}
	return rapid.SampledFrom(m.store.values[key]).Draw(t, "older")
}

// answerOf says what the error of a step means.
func answerOf(err error) answer {
	for _, known := range []struct {
		err    error
		answer answer
	}{
		{secrets.ErrUnknownOutcome, unknown}, {storagetest.ErrFault, nothing}, {context.Canceled, nothing},
		{secrets.ErrNotFound, notFound}, {secrets.ErrExists, exists}, {secrets.ErrInUse, inUse},
	} {
		if errors.Is(err, known.err) {
			return known.answer
		}
	}
	if err != nil {
		return answer(fmt.Sprint("unexpected: ", err))
	}
	return done
}

// A recorder is a store that keeps every value that a key ever had.
type recorder struct {
	storage.Store
	values  map[string][][]byte
	written map[string]bool // keys put or deleted since a record was changed
}

func (r *recorder) Commit(ctx context.Context, b storage.Batch) error {
	_, err := r.CommitVersion(ctx, b)
	return err
}

func (r *recorder) CommitVersion(ctx context.Context, b storage.Batch) (uint64, error) {
	version, err := storage.Commit(ctx, r.Store, b)
	if err != nil {
		return 0, err
	}
	for _, p := range b.Puts {
		r.values[p.Key] = append(r.values[p.Key], bytes.Clone(p.Value))
		r.written[p.Key] = true
	}
	for _, key := range b.Deletes {
		r.written[key] = true
	}
	return version, nil
}

// keys returns all keys that there ever were.
func (r *recorder) keys() []string {
	var keys []string
	for key := range r.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// current returns the value of a key, nil if it has none.
func (r *recorder) current(ctx context.Context, key string) []byte {
	found, err := r.Get(ctx, key)
	if err != nil || len(found) == 0 {
		return nil
	}
	return found[0].Value
}

// force writes a value, as somebody with the database can.
func (r *recorder) force(ctx context.Context, key string, value []byte) {
	b := storage.Batch{Deletes: []string{key}}
	if value != nil {
		b = storage.Batch{Puts: []storage.Put{{Key: key, Value: value}}}
	}
	_ = r.Store.Commit(ctx, b) // of memory, which does not fail
}
