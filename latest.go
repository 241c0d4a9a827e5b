package secrets

import (
	"cmp"
	"maps"
	"sync"
	"time"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// latest are the secrets that this process has given a value last, as their
// commits have left them: who gives one of them another value need not read.
//
// What is remembered of a secret was so at one instant: its commit wrote the
// secret, and checked the organization and all services that it wrapped for. Who
// goes by it is a writer that read at that instant and was slow since: its own
// commit checks all of it again, and if that fails it reads. What this process
// has seen newer of is not gone by, whatever version the store gives it.
type latest struct {
	mu      sync.Mutex
	secrets map[string]aftermath // by the storage key of the secret
}

// An aftermath is what a commit has left of a secret.
type aftermath struct {
	at       time.Time     // when the commit was sent
	took     time.Duration // the commit
	secret   secretView
	versions map[string]storage.Entry // of what it was made from and of itself; without values
	services map[Name]serviceRecord   // of the grantees
}

// The most secrets of an organization that are remembered so, for how long, and
// of what size. A value that is set more seldom may as well be read.
const (
	maxLatest     = 32
	latestFor     = 10 * time.Second
	maxRemembered = 16 << 10 // bytes of the value; a secret has at most as many grantees as fit a batch
)

// fresh reports whether a secret may be as it was left. Not at once after the
// commit: who updates a secret again and again without a read would be ahead of
// everybody who has to read, and nobody else's change would ever go through.
func (a *aftermath) fresh(now time.Time) bool {
	age := now.Sub(a.at)
	return 2*a.took <= age && age < latestFor
}

// keep remembers what a commit has left, and forgets what is too old.
func (l *latest) keep(key string, a aftermath) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.secrets == nil {
		l.secrets = make(map[string]aftermath)
	}
	maps.DeleteFunc(l.secrets, func(_ string, old aftermath) bool { return a.at.Sub(old.at) >= latestFor })
	evict(l.secrets, maxLatest)
	l.secrets[key] = a
}

// take returns what is remembered of a secret, if it may be so still, and forgets
// it: it has changed, or is about to.
func (l *latest) take(key string) (a aftermath, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok = l.secrets[key]
	delete(l.secrets, key)
	return a, ok && a.fresh(time.Now())
}

// forget forgets a secret that was written.
func (l *latest) forget(key string) { l.take(key) }

// latest returns the secret as the last update by this process has left it, if
// that is remembered.
func (w *writer) latest() (*view, *secretView) {
	if !w.updates {
		return nil, nil
	}
	w.updates = false // the next attempt reads
	a, ok := w.org.state.latest.take(secretKey(w.org.name, w.name))
	if !ok {
		return nil, nil
	}
	v := w.org.guess(a.versions)
	if v == nil || !v.newest(a) {
		return nil, nil
	}
	v.opened = a.services
	return v, &a.secret
}

// newest reports whether this process has seen nothing newer of what is remembered.
func (v *view) newest(a aftermath) bool {
	err := v.remember(secretKey(v.org.name, a.secret.name), &a.secret.record)
	for name, record := range a.services {
		err = cmp.Or(err, v.remember(serviceKey(v.org.name, name), &record))
	}
	return err == nil
}

// keepLatest remembers a secret that a commit of this view, which was sent at a time,
// has written with a version. The view is of no use afterwards.
func (v *view) keepLatest(s secretView, version uint64, at time.Time) {
	if version == 0 || len(s.record.Ciphertext) > maxRemembered {
		return
	}
	key := secretKey(v.org.name, s.name)
	v.entries[key] = storage.Entry{Key: key, Version: version}
	for key, e := range v.entries {
		e.Value = nil
		v.entries[key] = e
	}
	v.org.state.latest.keep(key, aftermath{
		at: at, took: time.Since(at), secret: s, versions: v.entries, services: v.opened,
	})
}
