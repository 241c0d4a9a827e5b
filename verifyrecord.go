package secrets

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// grantsAtOnce is how many grants of a secret are looked at together: three
// records each, about a page.
const grantsAtOnce = 40

// secret looks at a secret, its older versions, and all its grants.
func (w *verifier) secret(ctx context.Context, names []Name) error {
	return retry(ctx, func() error {
		v, s, err := w.readSecret(ctx, names[0])
		switch {
		case err != nil:
			return err
		case s == nil:
			w.findIn(v, secretKey(w.org.name, names[0]))
			return nil
		case !s.live():
			return nil
		}
		if v, s, err = w.readAgain(ctx, s, w.org.historyKeys(s)); err != nil {
			return err
		}
		w.openValues(v, s)
		for chunk := range slices.Chunk(s.access.Grantees, grantsAtOnce) {
			var keys []string
			for _, g := range chunk {
				keys = append(keys, append(w.org.grantKeys(s.name, g), w.org.serviceKeys(g.Service)...)...)
			}
			v, _, err := w.readAgain(ctx, s, keys)
			if err != nil {
				return err
			}
			w.openGrants(v, s, chunk)
		}
		return nil
	})
}

// readAgain reads a secret that has not changed since, and the records under more.
func (w *verifier) readAgain(ctx context.Context, s *secretView, more []string) (*view, *secretView, error) {
	v, again, err := w.readSecret(ctx, s.name, more...)
	if err == nil && (again == nil || again.record.Serial != s.record.Serial) {
		err = errAgain
	}
	return v, again, err
}

// readSecret reads a secret, and the records under more. The secret is nil if it
// does not open.
func (w *verifier) readSecret(ctx context.Context, name Name, more ...string) (*view, *secretView, error) {
	v, s, err := w.org.readSecret(ctx, name, more...)
	if v != nil && errors.Is(err, ErrTampered) { // not the organization
		return v, nil, nil
	}
	return v, s, err
}

// findIn notes a record that does not open. It need not be there: then it is known
// to have been.
func (w *verifier) findIn(v *view, key string) {
	if _, there := v.entries[key]; !there {
		w.find(key, isMissing)
		return
	}
	w.find(key, doesNotOpen)
}

// openValues opens all values that a secret says there are.
func (w *verifier) openValues(v *view, s *secretView) {
	current, err := v.unseal(s)
	if err != nil {
		w.find(secretKey(w.org.name, s.name), doesNotOpen)
	} else {
		current.wipe()
	}
	for _, number := range s.record.history() {
		older, err := v.open(s, number)
		if err != nil {
			w.find(versionKey(w.org.name, s.name, number), isMissing)
			continue
		}
		older.wipe()
	}
}

// openGrants opens the grants of some grantees of a secret. A variable that is not
// taken, or not by this secret, could be granted twice.
func (w *verifier) openGrants(v *view, s *secretView, grantees []grantee) {
	for _, g := range grantees {
		if !v.rowOpens(s, g) {
			w.find(rowKey(w.org.name, g.Service, s.name), isMissing)
		}
		if g.Env == NoEnv {
			continue
		}
		key := variableKey(w.org.name, g.Service, g.Env)
		if _, there := v.entries[key]; !there || v.heldByOther(key, s.name) {
			w.findIn(v, key)
		}
	}
}

// standsBehind looks whether a secret accounts for another record. One whose
// deletion is not finished will take its records with it.
func (w *verifier) standsBehind(ctx context.Context, key string, name Name, accounts func(*view, *secretView) bool) error {
	v, s, err := w.readSecret(ctx, name, key)
	switch {
	case err != nil:
		return err
	case s == nil:
		w.findIn(v, secretKey(w.org.name, name))
		return nil
	case s.unfinished():
		return nil
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
	number, err := strconv.ParseUint(string(names[1]), 16, 64)
	if err != nil || versionName(number) != string(names[1]) {
		w.find(key, isUnknown)
		return nil
	}
	return w.standsBehind(ctx, key, names[0], func(_ *view, s *secretView) bool {
		return s.live() && slices.Contains(s.record.history(), number)
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
	if checkEnvSyntax(env) != nil {
		w.find(key, isUnknown)
		return nil
	}
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
			w.findIn(v, serviceKey(o.name, name))
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
	id, err := crypto.ParseID(string(names[1]))
	if err != nil {
		w.find(key, isUnknown)
		return nil
	}
	v, err := o.read(ctx, append(o.serviceKeys(name), key)...)
	if err != nil {
		return err
	}
	record, err := v.service(name)
	if err != nil && !isNotFound(err) {
		w.findIn(v, serviceKey(o.name, name))
		return nil
	}
	if _, there := v.entries[key]; there && !slices.Contains(record.Tokens, id) {
		w.find(key, isForNobody)
	}
	return nil
}
