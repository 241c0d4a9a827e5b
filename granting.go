package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A granting is one attempt of Grant, with everything it needs read at one
// instant.
type granting struct {
	service *Service
	view    *view
	secret  *secretView
	record  serviceRecord
	env     string
}

func (s *Service) readGrant(ctx context.Context, w *writer, secret Name, env string) (*granting, error) {
	o := s.org
	more := append(o.serviceKeys(s.name), rowKey(o.name, s.name, secret))
	if env != NoEnv {
		more = append(more, variableKey(o.name, s.name, env))
	}
	v, view, err := w.read(ctx, more...)
	if err != nil {
		return nil, err
	}
	if !view.live() {
		return nil, errNoSecret
	}
	record, err := s.verify(v)
	if err != nil {
		return nil, err
	}
	return &granting{service: s, view: v, secret: view, record: record, env: env}, nil
}

// commit makes the grant what it is to be.
func (a *granting) commit(ctx context.Context, w *writer) (Grant, error) {
	i, listed := a.secret.grantee(a.service.name)
	if err := a.checkVariable(ctx); err != nil {
		return Grant{}, err
	}
	current, err := a.view.unseal(a.secret)
	if err != nil {
		return Grant{}, err
	}
	defer current.wipe()
	if err := checkEnvValue(a.env, current.plaintext); err != nil {
		return Grant{}, err
	}
	if !listed {
		return a.add(ctx, i, current)
	}
	g := a.secret.access.Grantees[i]
	if g.Env == a.env && a.valid(g) {
		return g.grant(a.secret.name), a.repair(ctx, i, current)
	}
	if !w.rewrites {
		w.rewrites = true
		return Grant{}, errAgain // with the other grantees' services
	}
	return a.move(ctx, w, i, current)
}

// valid reports whether a grant is for this very service and for keys that it
// has: it is not if the service was deleted, or its key replaced, while the
// secret did not open.
func (a *granting) valid(g grantee) bool {
	if g.ServiceID != a.record.ID {
		return false
	}
	_, err := a.view.granteeKeys(g)
	return err == nil
}

// checkVariable returns an error if another secret goes to the variable.
func (a *granting) checkVariable(ctx context.Context) error {
	if a.env == NoEnv {
		return nil
	}
	e, ok := a.view.entries[variableKey(a.view.org.name, a.service.name, a.env)]
	if !ok {
		return nil
	}
	var record variableRecord
	if err := decode(e.Value, &record); err != nil {
		return err
	}
	if record.Secret == a.secret.name {
		return nil
	}
	if err := record.Secret.check(); err != nil {
		return ErrTampered
	}
	held, err := a.holds(ctx, record.Secret)
	if err != nil || !held {
		return err
	}
	return &EnvError{Env: a.env, Taken: record.Secret}
}

// holds reports whether another secret goes to the variable, as its own records
// say: the variable's is not believed, and one that was left behind or put there
// is taken over. It finishes an interrupted deletion of that secret first.
func (a *granting) holds(ctx context.Context, other Name) (bool, error) {
	o := a.service.org
	v, s, err := o.readSecret(ctx, other)
	if err != nil {
		return false, err
	}
	if s.unfinished() {
		if err := o.cleanUp(ctx, v, s); err != nil {
			return false, err
		}
		return false, errAgain
	}
	i, listed := s.grantee(a.service.name)
	return listed && strings.EqualFold(s.access.Grantees[i].Env, a.env), nil
}

// add grants the secret to a service that does not have it.
func (a *granting) add(ctx context.Context, i int, current *sealedVersion) (Grant, error) {
	v, s := a.view, a.secret
	if len(s.access.Grantees) == maxGrants {
		return Grant{}, fmt.Errorf("%w: the secret is granted to %d services already", ErrLimit, maxGrants)
	}
	if err := a.service.checkRoom(ctx); err != nil {
		return Grant{}, err
	}
	g := grantee{
		Service: a.service.name, ServiceID: a.record.ID, Env: a.env,
		KeyIDs: a.record.grantKeys(), Created: instantOf(v.org.client.now()),
	}
	grantees := slices.Insert(slices.Clone(s.access.Grantees), i, g)
	if err := checkGrantees(grantees); err != nil {
		return Grant{}, err
	}
	b, err := v.putGrant(s, grantees, i, current)
	if err != nil {
		return Grant{}, err
	}
	b.Checks = append(b.Checks, v.check(serviceKey(v.org.name, g.Service)))
	a.putVariable(&b)
	return g.grant(s.name), v.commit(ctx, b)
}

// putVariable takes the variable, unless somebody else does first.
func (a *granting) putVariable(b *storage.Batch) {
	if a.env == NoEnv {
		return
	}
	key := variableKey(a.view.org.name, a.service.name, a.env)
	b.Checks = append(b.Checks, a.view.check(key))
	b.Puts = append(b.Puts, storage.Put{Key: key, Value: encode(variableRecord{Secret: a.secret.name})})
}

// move gives the service the secret in another variable, or for other keys. The
// old row must not open any more, so the value gets a new version key.
func (a *granting) move(ctx context.Context, w *writer, i int, current *sealedVersion) (Grant, error) {
	s, org := a.secret, a.view.org.name
	grantees := slices.Clone(s.access.Grantees)
	old := grantees[i].Env
	grantees[i] = grantee{
		Service: a.service.name, ServiceID: a.record.ID, Env: a.env,
		KeyIDs: a.record.grantKeys(), Created: grantees[i].Created,
	}
	if err := checkGrantees(grantees); err != nil {
		return Grant{}, err
	}
	r := rewrite{
		record: s.record, plaintext: current.plaintext, grantees: grantees, moved: a.service.name,
		checks: []storage.Check{a.view.check(serviceKey(org, a.service.name))},
	}
	_, taken := a.view.entries[variableKey(org, a.service.name, a.env)]
	if !strings.EqualFold(old, a.env) || !taken && a.env != NoEnv {
		var b storage.Batch
		a.putVariable(&b)
		r.puts, r.checks = b.Puts, append(r.checks, b.Checks...)
		if old != NoEnv && !strings.EqualFold(old, a.env) {
			r.deletes = []string{variableKey(org, a.service.name, old)}
		}
	}
	_, err := w.rewrite(ctx, a.view, s, r)
	return grantees[i].grant(s.name), err
}

// repair puts a grant's row and variable back if they are not what the access
// record says: somebody has changed or removed them.
func (a *granting) repair(ctx context.Context, i int, current *sealedVersion) error {
	v, grantees := a.view, a.secret.access.Grantees
	_, taken := v.entries[variableKey(v.org.name, a.service.name, a.env)]
	if v.rowOpens(a.secret, grantees[i]) && (taken || a.env == NoEnv) {
		return nil
	}
	b, err := v.putGrant(a.secret, grantees, i, current)
	if err != nil {
		return err
	}
	a.putVariable(&b)
	return v.commit(ctx, b)
}

// rowOpens reports whether a grantee can read the secret by its row, with each of
// its keys.
func (v *view) rowOpens(s *secretView, g grantee) bool {
	row, err := newRow(s.name, v.entries[rowKey(v.org.name, g.Service, s.name)])
	if err != nil || row.decode() != nil || row.record.Env != g.Env {
		return false
	}
	keys, err := v.granteeKeys(g)
	if err != nil {
		return false
	}
	for i, key := range keys {
		r := reader{
			organizationID: v.org.id, organization: v.org.name,
			serviceID: g.ServiceID, service: g.Service, keyID: g.KeyIDs[i], key: key,
		}
		plaintext, err := r.decrypt(row, s.record.sealed())
		clear(plaintext)
		if err != nil {
			return false
		}
	}
	return true
}

// checkRoom returns ErrLimit if the service has as many grants as it may.
func (s *Service) checkRoom(ctx context.Context) error {
	n := 0
	for _, r := range list(ctx, s.org.client.store, rowPrefix(s.org.name, s.name), nil) {
		if r.err != nil {
			return r.err
		}
		if n++; n >= maxGrants {
			return fmt.Errorf("%w: the service has %d grants already", ErrLimit, maxGrants)
		}
	}
	return nil
}
