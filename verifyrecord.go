package secrets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// secret looks at a secret, its older versions, and all its grants.
func (w *verifier) secret(ctx context.Context, names []Name) error {
	o, name := w.org, names[0]
	return retry(ctx, func() error {
		_, s, err := w.readSecret(ctx, name)
		if err != nil {
			return err
		}
		if s == nil {
			w.find(secretKey(o.name, name), doesNotOpen)
			return nil
		}
		keys := o.historyKeys(s)
		for _, g := range s.access.Grantees {
			keys = append(keys, rowKey(o.name, g.Service, name), serviceKey(o.name, g.Service))
		}
		v, again, err := w.readSecret(ctx, name, keys...)
		if err != nil {
			return err
		}
		if again == nil || again.record.Serial != s.record.Serial {
			return errAgain
		}
		if again.live() {
			w.open(v, again)
		}
		return nil
	})
}

// readSecret reads a secret, and the records under more. The secret is nil if it
// does not open.
func (w *verifier) readSecret(ctx context.Context, name Name, more ...string) (*view, *secretView, error) {
	v, err := w.org.readSecrets(ctx, []Name{name}, more...)
	if err != nil {
		return nil, nil, err
	}
	s, err := v.secret(name)
	if errors.Is(err, ErrTampered) {
		return v, nil, nil
	}
	return v, s, err
}

// open opens everything that a secret says there is.
func (w *verifier) open(v *view, s *secretView) {
	org := w.org.name
	if _, err := v.unseal(s); err != nil {
		w.find(secretKey(org, s.name), doesNotOpen)
	}
	for _, number := range s.record.history() {
		if _, err := v.valueOf(s, number); err != nil {
			w.find(versionKey(org, s.name, number), isMissing)
		}
	}
	for _, g := range s.access.Grantees {
		if !v.rowOpens(s, g) {
			w.find(rowKey(org, g.Service, s.name), isMissing)
		}
	}
}

// standsBehind looks whether a secret accounts for another record. A secret that
// does not open is noted by itself, and one whose deletion is not finished will
// take its records with it.
func (w *verifier) standsBehind(ctx context.Context, key string, name Name, accounts func(*view, *secretView) bool) error {
	v, s, err := w.readSecret(ctx, name, key)
	if err != nil || s == nil || s.unfinished() {
		return err
	}
	if _, there := v.entries[key]; there && !accounts(v, s) {
		w.find(key, isForNobody)
	}
	return nil
}

// access looks at a list of who has access.
func (w *verifier) access(ctx context.Context, names []Name) error {
	return w.standsBehind(ctx, accessKey(w.org.name, names[0]), names[0], func(_ *view, s *secretView) bool { return s.live() })
}

// version looks at an older version of a secret.
func (w *verifier) version(ctx context.Context, names []Name) error {
	key := versionPrefix(w.org.name, names[0]) + string(names[1])
	return w.standsBehind(ctx, key, names[0], func(_ *view, s *secretView) bool {
		return s.live() && slices.Contains(w.org.historyKeys(s), key)
	})
}

// row looks at what an app reads of a grant.
func (w *verifier) row(ctx context.Context, names []Name) error {
	service, secret := names[0], names[1]
	if secret.check() != nil {
		w.find(rowPrefix(w.org.name, service)+string(secret), isUnknown)
		return nil
	}
	return w.standsBehind(ctx, rowKey(w.org.name, service, secret), secret, func(_ *view, s *secretView) bool {
		_, listed := s.grantee(service)
		return s.live() && listed
	})
}

// variable looks at the note of which secret goes to a variable.
func (w *verifier) variable(ctx context.Context, names []Name) error {
	service, env := names[0], string(names[1])
	key := variablePrefix(w.org.name, service) + env
	v, err := w.org.read(ctx, key)
	if err != nil {
		return err
	}
	e, there := v.entries[key]
	if !there {
		return nil
	}
	var record variableRecord
	if decode(e.Value, &record) != nil || record.Secret.check() != nil {
		w.find(key, doesNotOpen)
		return nil
	}
	return w.standsBehind(ctx, key, record.Secret, func(now *view, s *secretView) bool {
		if now.entries[key].Version != e.Version {
			return true // of another secret by now
		}
		i, listed := s.grantee(service)
		return s.live() && listed && strings.EqualFold(s.access.Grantees[i].Env, env)
	})
}

// service looks at a service, its keys and its tokens.
func (w *verifier) service(ctx context.Context, names []Name) error {
	o, name := w.org, names[0]
	return retry(ctx, func() error {
		v, err := o.read(ctx, o.serviceKeys(name)...)
		if err != nil {
			return err
		}
		record, err := v.service(name)
		if err == nil {
			err = w.openService(ctx, v, &Service{org: o, name: name, id: record.ID}, record)
		}
		switch {
		case isNotFound(err): // or deleted meanwhile
			return nil
		case errors.Is(err, ErrTampered):
			w.find(serviceKey(o.name, name), doesNotOpen)
			return nil
		}
		return err
	})
}

// openService opens the keys of a service and its tokens.
func (w *verifier) openService(ctx context.Context, v *view, s *Service, record serviceRecord) error {
	for _, key := range record.keys() {
		if _, err := v.serviceKey(s.name, record.ID, key); err != nil {
			return err
		}
	}
	v, record, err := s.readTokens(ctx)
	if err != nil {
		return err
	}
	for _, id := range record.Tokens {
		if _, err := s.rekeyToken(v, record, record.Current, id); err != nil {
			w.find(tokenKey(s.org.name, s.name, id), isMissing)
		}
	}
	return nil
}

// token looks whether a service lists a token.
func (w *verifier) token(ctx context.Context, names []Name) error {
	o, name := w.org, names[0]
	key := tokenPrefix(o.name, name) + string(names[1])
	v, err := o.read(ctx, append(o.serviceKeys(name), key)...)
	if err != nil {
		return err
	}
	record, err := v.service(name)
	if err != nil && !isNotFound(err) {
		return nil // which is noted by itself
	}
	id, err := crypto.ParseID(string(names[1]))
	if _, there := v.entries[key]; there && (err != nil || !slices.Contains(record.Tokens, id)) {
		w.find(key, isForNobody)
	}
	return nil
}
