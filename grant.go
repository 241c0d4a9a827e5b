package secrets

import (
	"context"
	"fmt"
	"slices"
	"time"

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
		env = EnvName(valid(secret))
	}
	grant, err := s.grant(ctx, secret, env)
	if err != nil {
		failed := Error{Op: "grant", Organization: s.org.name, Service: s.name, Secret: valid(secret), Err: err}
		if checkEnvSyntax(env) == nil {
			failed.Env = env
		}
		return Grant{}, failed.located()
	}
	return grant, nil
}

func (s *Service) grant(ctx context.Context, secret Name, env string) (Grant, error) {
	if err := secret.checkAs("secret"); err != nil {
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
		if !w.same(a.secret) {
			return errRecreated
		}
		grant, err = a.commit(ctx, w)
		return err
	})
	return grant, err
}

// Grants returns the service's grants, sorted by secret. It gives [ErrNotFound].
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
	err := each(ctx, s.org.client.store, rowPrefix(s.org.name, s.name), func(name Name, _ storage.Entry) error {
		names = append(names, name)
		return nil
	})
	return names, err
}

// readSecrets reads both records of several secrets at one instant.
func (o *Organization) readSecrets(ctx context.Context, names []Name, more ...string) (*view, error) {
	keys := slices.Clone(more)
	for _, name := range names {
		keys = append(keys, secretKey(o.name, name), accessKey(o.name, name))
	}
	return o.read(ctx, keys...)
}
