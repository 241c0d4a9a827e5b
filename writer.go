package secrets

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A writer is one operation on one secret, over all its attempts.
type writer struct {
	org  *Organization
	name Name

	creates  bool // nothing is under the name, unless an attempt has found out otherwise
	rewrites bool // it wraps for all grantees, and so reads their services' keys
	attempts []attempt
	id       crypto.ID    // see same
	lost     *lostRewrite // an attempt whose outcome is not known
	claims   claims
}

// An attempt is a version key, and what a commit with it makes of the secret.
type attempt struct {
	keyID crypto.ID
	made  Secret
}

// attempt returns what this operation was to make with a version key, if it is
// one of its own.
func (w *writer) attempt(keyID crypto.ID) (made Secret, ok bool) {
	for _, a := range w.attempts {
		if a.keyID == keyID {
			return a.made, true
		}
	}
	return Secret{}, false
}

// A lostRewrite is what a rewrite was to replace: the secret's entry, and the
// version key in it, which is zero if it was to create the secret.
type lostRewrite struct {
	version uint64
	keyID   crypto.ID
}

func (o *Organization) writer(name Name) *writer {
	return &writer{org: o, name: name, claims: claims{}}
}

// same reports whether the secret is the one that the operation met first, and
// not one that was created under its name since.
func (w *writer) same(s *secretView) bool {
	if w.id.IsZero() {
		w.id = s.record.ID
	}
	return w.id == s.record.ID
}

// read reads the secret, the records under more and, for a rewrite, the
// grantees' services at one instant, once no other writer's claim is on it.
func (w *writer) read(ctx context.Context, more ...string) (*view, *secretView, error) {
	v, secrets, err := writers{w}.read(ctx, more...)
	if err != nil {
		return nil, nil, err
	}
	return v, secrets[0], nil
}

// landed returns what an attempt of this operation made, if it is among the
// last that the secret remembers. If the outcome of an attempt was lost, and
// neither its key nor the one that it would have replaced is there any more,
// nobody can tell, but for a creation where what is there was created first.
func (w *writer) landed(v *view, s *secretView) (Secret, bool, error) {
	for _, id := range slices.Backward(s.record.Recent) {
		if made, ok := w.attempt(id); ok {
			return made, true, nil
		}
	}
	switch {
	case w.lost == nil || w.lost.version == v.entries[secretKey(w.org.name, w.name)].Version:
		return Secret{}, false, nil
	case !w.lost.keyID.IsZero() && slices.Contains(s.record.Recent, w.lost.keyID):
		w.lost = nil // others have written since: ours never will
		return Secret{}, false, nil
	case w.lost.keyID.IsZero() && s.record.Version == 1 && !w.made(s.record.ID):
		w.lost = nil // the first secret of that name is another's
		return Secret{}, false, nil
	}
	return Secret{}, false, ErrUnknownOutcome
}

// made reports whether an attempt would have made the secret with an id.
func (w *writer) made(id crypto.ID) bool {
	return slices.ContainsFunc(w.attempts, func(a attempt) bool { return a.made.ID == id.String() })
}

// note remembers, of the first commit whose outcome is not known, what it was to
// replace.
func (w *writer) note(v *view, s *secretView, err error) {
	if errors.Is(err, ErrUnknownOutcome) && w.lost == nil {
		w.lost = &lostRewrite{version: v.entries[secretKey(v.org.name, s.name)].Version, keyID: s.record.KeyID}
	}
}

// writers are the operations of one commit, each on another secret.
type writers []*writer

// read reads the secrets, in the order of their writers, the records under more
// and, for rewrites, the grantees' services at one instant, once no other
// writer's claim is on any of the secrets.
func (ws writers) read(ctx context.Context, more ...string) (*view, []*secretView, error) {
	if v, secrets := ws.expected(); v != nil {
		return v, secrets, nil
	}
	for {
		v, secrets, err := ws.readOnce(ctx, more)
		if err != nil {
			return nil, nil, err
		}
		if !ws.blocked(v, secrets) {
			return v, secrets, nil
		}
		if err := pause(ctx, claimPoll); err != nil {
			return nil, nil, err
		}
	}
}

// expected is what there is to read if all secrets are to be created: the
// organization as it was read last, and nothing else. The commit is on the
// condition that this is so; the next attempt reads.
func (ws writers) expected() (*view, []*secretView) {
	for _, w := range ws {
		if !w.creates {
			return nil, nil
		}
		w.creates = false
	}
	v := ws[0].org.guess()
	if v == nil {
		return nil, nil
	}
	secrets, err := ws.secrets(v)
	if err != nil { // they have been there
		return nil, nil
	}
	return v, secrets
}

// guess returns a view of the organization as it was read last, nil if that is not
// known, and of nothing else. A commit of it is on the condition that all of it is
// so.
func (o *Organization) guess() *view {
	entry, keyset := o.state.last()
	var record organizationRecord
	if entry.Version == 0 || decode(entry.Value, &record) != nil || record.State != stateLive {
		return nil
	}
	entries := map[string]storage.Entry{entry.Key: entry}
	v := &view{org: o, keyset: keyset, entries: entries, since: o.state.floors.now()}
	if err := v.remember(entry.Key, &record); err != nil {
		return nil
	}
	return v
}

func (ws writers) blocked(v *view, secrets []*secretView) bool {
	blocked := false
	for i, w := range ws {
		_, ours := w.attempt(secrets[i].record.Claim)
		blocked = w.claims.blocked(v, secrets[i], ours) || blocked
	}
	return blocked
}

func (ws writers) readOnce(ctx context.Context, more []string) (*view, []*secretView, error) {
	o, keys := ws[0].org, slices.Clone(more)
	for _, w := range ws {
		keys = append(keys, secretKey(o.name, w.name), accessKey(o.name, w.name))
		if w.rewrites {
			keys = append(keys, o.state.likely.services(w.name)...)
		}
	}
	keys = distinct(keys)
	v, err := o.read(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	before, err := ws.secrets(v)
	if err != nil {
		return nil, nil, err
	}
	services := ws.services(before)
	if all := distinct(slices.Concat(keys, services)); len(all) > len(keys) {
		keys = all
	} else {
		return v, before, nil
	}
	if v, err = o.read(ctx, keys...); err != nil {
		return nil, nil, err
	}
	secrets, err := ws.secrets(v)
	if err != nil {
		return nil, nil, err
	}
	for i, s := range secrets {
		if s.live() && s.access.Serial != before[i].access.Serial {
			return nil, nil, errAgain // other grantees than those whose services were read
		}
	}
	return v, secrets, nil
}

// distinct returns keys sorted, each once.
func distinct(keys []string) []string {
	slices.Sort(keys)
	return slices.Compact(keys)
}

// secrets returns the secrets of the writers.
func (ws writers) secrets(v *view) ([]*secretView, error) {
	secrets := make([]*secretView, len(ws))
	for i, w := range ws {
		s, err := v.secret(w.name)
		if err != nil {
			return nil, inSecret(w.name, err)
		}
		secrets[i] = s
	}
	return secrets, nil
}

// services returns the keys of the services for which there is something to wrap,
// and remembers them.
func (ws writers) services(secrets []*secretView) (keys []string) {
	for i, w := range ws {
		if !w.rewrites || !secrets[i].live() {
			continue
		}
		first := len(keys)
		for _, g := range secrets[i].access.Grantees {
			keys = append(keys, w.org.serviceKeys(g.Service)...)
		}
		w.org.state.likely.keep(w.name, keys[first:])
	}
	return keys
}
