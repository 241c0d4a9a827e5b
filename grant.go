package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Grant lets one service read one secret, and says which environment variable
// carries it.
type Grant struct {
	Service   Name
	Secret    Name
	Env       string // or NoEnv
	CreatedAt time.Time
}

func (g grantee) grant(secret Name) Grant {
	return Grant{Service: g.Service, Secret: secret, Env: g.Env, CreatedAt: g.Created.time()}
}

func (s *secretView) grants() []Grant {
	grants := make([]Grant, 0, len(s.access.Grantees))
	for _, g := range s.access.Grantees {
		grants = append(grants, g.grant(s.name))
	}
	return grants
}

// Usage returns the grants of a secret, sorted by service: where it is used. It
// gives [ErrNotFound].
func (o *Organization) Usage(ctx context.Context, secret Name) ([]Grant, error) {
	_, s, err := o.readLive(ctx, secret)
	if err != nil {
		return nil, o.fail("usage", "", secret, err)
	}
	return s.grants(), nil
}

// Grant lets the service read a secret, in the environment variable env: ""
// stands for [EnvName] of the secret, [NoEnv] for none. It is declarative: if
// the service has the secret in another variable, it has it in this one
// afterwards, and if nothing is to change nothing does. It gives [ErrNotFound],
// an [*EnvError] if the variable is refused by [CheckEnv], is taken by another
// secret, or cannot carry the value, and [ErrLimit] beyond 4,096 grants of a
// secret or of a service.
func (s *Service) Grant(ctx context.Context, secret Name, env string) (Grant, error) {
	if env == "" {
		env = EnvName(secret)
	}
	grant, err := s.grant(ctx, secret, env)
	if err != nil {
		failed := &Error{Op: "grant", Organization: s.org.name, Service: s.name, Secret: valid(secret), Err: err}
		if checkEnvSyntax(env) == nil {
			failed.Env = env
		}
		return Grant{}, failed
	}
	return grant, nil
}

func (s *Service) grant(ctx context.Context, secret Name, env string) (Grant, error) {
	if err := secret.check(); err != nil {
		return Grant{}, err
	}
	if env != NoEnv {
		if err := CheckEnv(env, s.org.client.allow...); err != nil {
			return Grant{}, err
		}
	}
	w := s.org.writer(secret)
	var grant Grant
	err := retry(ctx, func() error {
		a, err := s.readGrant(ctx, w, secret, env)
		if err != nil {
			return err
		}
		grant, err = a.commit(ctx, w)
		return err
	})
	return grant, err
}

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
	record, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	more := append(s.tokenKeys(record), serviceKey(o.name, s.name), rowKey(o.name, s.name, secret))
	if env != NoEnv {
		more = append(more, variableKey(o.name, s.name, env))
	}
	v, view, err := w.read(ctx, more...)
	if err != nil {
		return nil, err
	}
	if !view.live() {
		return nil, ErrNotFound
	}
	again, err := s.verify(v)
	if err != nil {
		return nil, err
	}
	if again.Serial != record.Serial {
		return nil, errAgain // its tokens may be others
	}
	if err := s.verifyTokens(v, again); err != nil {
		return nil, err
	}
	return &granting{service: s, view: v, secret: view, record: again, env: env}, nil
}

// commit makes the grant what it is to be.
func (a *granting) commit(ctx context.Context, w *writer) (Grant, error) {
	i, listed := a.secret.grantee(a.service.name)
	if listed && a.secret.access.Grantees[i].ServiceID != a.record.ID {
		return Grant{}, ErrTampered
	}
	if err := a.checkVariable(ctx, listed); err != nil {
		return Grant{}, err
	}
	current, err := a.view.unseal(a.secret)
	if err != nil {
		return Grant{}, err
	}
	if a.env != NoEnv {
		if err := checkEnvValue(a.env, current.value); err != nil {
			return Grant{}, err
		}
	}
	if !listed {
		return a.add(ctx, i, current)
	}
	g := a.secret.access.Grantees[i]
	if g.Env == a.env {
		return g.grant(a.secret.name), a.repair(ctx, g, current)
	}
	if !w.rewrites {
		w.rewrites = true
		return Grant{}, errAgain // with the other grantees' services
	}
	return a.move(ctx, w, i, current)
}

// checkVariable returns an error if another secret goes to the variable.
func (a *granting) checkVariable(ctx context.Context, listed bool) error {
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
	if err := a.service.org.finishDelete(ctx, record.Secret); err != nil {
		return err
	}
	return &EnvError{Env: a.env, Taken: record.Secret}
}

// finishDelete cleans up after a secret whose deletion was interrupted, and
// then has the caller read again.
func (o *Organization) finishDelete(ctx context.Context, name Name) error {
	v, err := o.read(ctx, secretKey(o.name, name), accessKey(o.name, name))
	if err != nil {
		return err
	}
	s, err := v.secret(name)
	if err != nil || !s.unfinished() {
		return err
	}
	if err := o.cleanUp(ctx, v, s); err != nil {
		return err
	}
	return errAgain
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
	record := s.record
	record.Serial, record.Claim = record.Serial+1, crypto.ID{}
	access := accessRecord{SecretID: record.ID, Serial: record.Serial, Grantees: slices.Insert(slices.Clone(s.access.Grantees), i, g)}
	if len(encodeBody(access)) > maxAccess {
		return Grant{}, fmt.Errorf("%w: the grants of the secret exceed %d bytes", ErrLimit, maxAccess)
	}
	b, err := v.putSecret(s, record, access)
	if err != nil {
		return Grant{}, err
	}
	row, err := v.row(s, record.ID, g, current)
	if err != nil {
		return Grant{}, err
	}
	b.Checks = append(b.Checks, v.check(serviceKey(v.org.name, g.Service)))
	b.Puts = append(b.Puts, storage.Put{Key: rowKey(v.org.name, g.Service, s.name), Value: row})
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

// move gives the service the secret in another variable. The old row must not
// open any more, so the value gets a new version key.
func (a *granting) move(ctx context.Context, w *writer, i int, current *sealedVersion) (Grant, error) {
	s, org := a.secret, a.view.org.name
	grantees := slices.Clone(s.access.Grantees)
	old := grantees[i].Env
	grantees[i].Env = a.env
	r := rewrite{
		id: s.record.ID, number: s.record.Version, value: current.value, grantees: grantees, moved: a.service.name,
		created: s.record.Created, updated: s.record.Updated,
		checks: []storage.Check{a.view.check(serviceKey(org, a.service.name))},
	}
	if !strings.EqualFold(old, a.env) {
		var b storage.Batch
		a.putVariable(&b)
		r.puts, r.checks = b.Puts, append(r.checks, b.Checks...)
		if old != NoEnv {
			r.deletes = []string{variableKey(org, a.service.name, old)}
		}
	}
	_, err := w.rewrite(ctx, a.view, s, r)
	return grantees[i].grant(s.name), err
}

// repair puts a grant's row and variable back if they are not what the access
// record says: somebody has changed or removed them.
func (a *granting) repair(ctx context.Context, g grantee, current *sealedVersion) error {
	v, key := a.view, rowKey(a.view.org.name, g.Service, a.secret.name)
	_, taken := v.entries[variableKey(v.org.name, g.Service, a.env)]
	if a.rowOpens(v.entries[key].Value, g) && (taken || a.env == NoEnv) {
		return nil
	}
	record, access := a.secret.record, a.secret.access
	record.Serial, record.Claim = record.Serial+1, crypto.ID{}
	access.Serial = record.Serial
	b, err := v.putSecret(a.secret, record, access)
	if err != nil {
		return err
	}
	row, err := v.row(a.secret, record.ID, g, current)
	if err != nil {
		return err
	}
	b.Puts = append(b.Puts, storage.Put{Key: key, Value: row})
	a.putVariable(&b)
	return v.commit(ctx, b)
}

// rowOpens reports whether the service can read the secret by this row, with
// each of its keys.
func (a *granting) rowOpens(data []byte, g grantee) bool {
	var row rowRecord
	if decode(data, &row) != nil {
		return false
	}
	keys, err := a.view.granteeKeys(g)
	if err != nil {
		return false
	}
	for i, key := range keys {
		r := reader{
			organizationID: a.view.org.id, organization: a.view.org.name,
			serviceID: g.ServiceID, service: g.Service, keyID: g.KeyIDs[i], key: key,
		}
		if _, ok, err := r.open(a.secret.name, row, a.secret.record); err != nil || !ok || row.Env != g.Env {
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

// Revoke takes a secret from the service, from one commit on. Its value gets a
// new version key for those who stay, so that what the service may have kept,
// or put back into the database, opens nothing that is stored afterwards. It is
// declarative, as Grant is: a secret that is not granted is no error. It gives
// [ErrNotFound] if there is no such secret or service.
func (s *Service) Revoke(ctx context.Context, secret Name) error {
	if err := secret.check(); err != nil {
		return s.fail("revoke", "", err)
	}
	return s.fail("revoke", secret, s.revoke(ctx, secret))
}

func (s *Service) revoke(ctx context.Context, secret Name) error {
	w := s.org.writer(secret)
	w.rewrites = true
	return retry(ctx, func() error {
		o := s.org
		v, view, err := w.read(ctx, serviceKey(o.name, s.name), rowKey(o.name, s.name, secret))
		if err != nil {
			return err
		}
		if _, err := v.service(s.name); err != nil {
			return err
		}
		if view.unfinished() {
			return errors.Join(o.cleanUp(ctx, v, view), ErrNotFound)
		}
		if !view.live() {
			return ErrNotFound
		}
		i, listed := view.grantee(s.name)
		if !listed {
			return s.dropRow(ctx, v, view)
		}
		current, err := v.unseal(view)
		if err != nil {
			return err
		}
		grantees := slices.Delete(slices.Clone(view.access.Grantees), i, i+1)
		_, err = w.rewrite(ctx, v, view, rewrite{
			id: view.record.ID, number: view.record.Version, value: current.value, grantees: grantees,
			deletes: o.grantKeys(secret, view.access.Grantees[i]),
			created: view.record.Created, updated: view.record.Updated,
		})
		return err
	})
}

// dropRow removes a row that no grant stands behind: somebody has put it there.
func (s *Service) dropRow(ctx context.Context, v *view, secret *secretView) error {
	row, key := rowKey(s.org.name, s.name, secret.name), secretKey(s.org.name, secret.name)
	if _, ok := v.entries[row]; !ok {
		return nil
	}
	b := v.batch(key)
	b.Puts = []storage.Put{{Key: key, Value: bytes.Clone(v.entries[key].Value)}}
	b.Deletes = []string{row}
	return v.commit(ctx, b)
}

// Grants returns the service's grants, sorted by secret: of each row that is
// there for the app, what the secret's own records say.
func (s *Service) Grants(ctx context.Context) ([]Grant, error) {
	grants, err := s.grants(ctx)
	return grants, s.fail("list grants", "", err)
}

func (s *Service) grants(ctx context.Context) ([]Grant, error) {
	record, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	names, err := s.rowNames(ctx)
	if err != nil {
		return nil, err
	}
	grants := make([]Grant, 0, len(names))
	for chunk := range slices.Chunk(names, listPage) {
		v, err := s.org.readSecrets(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, name := range chunk {
			secret, err := v.secret(name)
			if err != nil {
				return nil, fmt.Errorf("secret %q: %w", name, err)
			}
			if i, ok := secret.grantee(s.name); ok && secret.live() && secret.access.Grantees[i].ServiceID == record.ID {
				grants = append(grants, secret.access.Grantees[i].grant(name))
			}
		}
	}
	return grants, nil
}

// rowNames returns the secrets for which the service has a row.
func (s *Service) rowNames(ctx context.Context) ([]Name, error) {
	var names []Name
	for name, r := range list(ctx, s.org.client.store, rowPrefix(s.org.name, s.name), nil) {
		if r.err != nil {
			return nil, r.err
		}
		if name.check() == nil { // others cannot be a secret's
			names = append(names, name)
		}
	}
	return names, nil
}

// readSecrets reads both records of several secrets at one instant.
func (o *Organization) readSecrets(ctx context.Context, names []Name, more ...string) (*view, error) {
	keys := slices.Clone(more)
	for _, name := range names {
		keys = append(keys, secretKey(o.name, name), accessKey(o.name, name))
	}
	return o.read(ctx, keys...)
}
