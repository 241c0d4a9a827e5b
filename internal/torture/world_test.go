package torture_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A world is the model of one organization.
type world struct {
	secrets  map[secrets.Name]state
	services map[secrets.Name]map[secrets.Name]bool // what each is granted
	tokens   []issued
}

type issued struct {
	service secrets.Name
	token   secrets.Token
	revoked bool // or of a service that was deleted
}

func (w *world) clone() *world {
	c := &world{secrets: maps.Clone(w.secrets), services: map[secrets.Name]map[secrets.Name]bool{}, tokens: slices.Clone(w.tokens)}
	for name, grants := range w.services {
		c.services[name] = maps.Clone(grants)
	}
	return c
}

// apply does an operation on a secret.
func (w *world) apply(in input) answer {
	s := w.secrets[in.secret]
	s.granted = false
	for _, grants := range w.services {
		s.granted = s.granted || grants[in.secret]
	}
	next, out := s.apply(in)
	w.secrets[in.secret] = next
	if in.kind == remove && out.answer == done {
		for _, grants := range w.services {
			delete(grants, in.secret)
		}
	}
	return out.answer
}

// grant gives or takes a secret.
func (w *world) grant(service, secret secrets.Name, granted bool) answer {
	grants, ok := w.services[service]
	if !ok || !w.secrets[secret].live {
		return notFound
	}
	delete(grants, secret)
	if granted {
		grants[secret] = true
	}
	return done
}

func (w *world) createService(name secrets.Name) answer {
	if w.services[name] != nil {
		return exists
	}
	w.services[name] = map[secrets.Name]bool{}
	return done
}

func (w *world) deleteService(name secrets.Name) answer {
	if w.services[name] == nil {
		return notFound
	}
	delete(w.services, name)
	for i := range w.tokens {
		if w.tokens[i].service == name {
			w.tokens[i].revoked = true
		}
	}
	return done
}

// environment is what a service reads, by variable.
func (w *world) environment(service secrets.Name) map[string]string {
	env := map[string]string{}
	for secret := range w.services[service] {
		env[secrets.EnvName(secret)] = w.secrets[secret].values[0]
	}
	return env
}

// A view is how one process sees the organization.
type view struct {
	store    storage.Store
	org      *secrets.Organization
	sessions map[string]*secrets.Session // by token, those that are kept
}

// check reads everything, and returns an error if anything is not as in the
// model. After tampering it may also be missing, or refused.
func (v *view) check(ctx context.Context, w *world, tampered bool) error {
	var errs []error
	for name, s := range w.secrets {
		errs = append(errs, v.checkSecret(ctx, name, s, tampered))
	}
	for name := range w.services {
		service, err := v.org.Service(ctx, name)
		if err == nil {
			err = checkEnvironment(ctx, service, w.environment(name), tampered)
		} else if tampered && refused(err) {
			err = nil
		}
		errs = append(errs, err)
	}
	for _, token := range w.tokens {
		errs = append(errs, v.checkToken(ctx, w, token, tampered))
	}
	return errors.Join(errs...)
}

func (v *view) checkSecret(ctx context.Context, name secrets.Name, s state, tampered bool) error {
	info, err := v.org.Secret(ctx, name)
	switch {
	case tampered && refused(err), !s.live && errors.Is(err, secrets.ErrNotFound):
		return nil
	case err != nil || !s.live || info.Version != s.version:
		return fmt.Errorf("secret %s: got version %d, want %+v, %v", name, info.Version, s, err)
	}
	for age, want := range s.values {
		value, err := v.org.RevealVersion(ctx, name, s.version-uint64(age))
		switch {
		case tampered && refused(err), want == "" && errors.Is(err, secrets.ErrNotFound):
		case err != nil || value.Reveal() != want:
			return fmt.Errorf("secret %s: got %q %d versions ago, want %+v, %v", name, value.Reveal(), age, s, err)
		}
	}
	return nil
}

func (v *view) checkToken(ctx context.Context, w *world, token issued, tampered bool) error {
	session := v.sessions[token.token.ID()]
	if session == nil {
		var err error
		session, err = secrets.Connect(ctx, v.store, token.token)
		switch {
		case tampered && refused(err), token.revoked && errors.Is(err, secrets.ErrUnauthenticated):
			return nil
		case err != nil:
			return fmt.Errorf("connect to %s: %w", token.service, err)
		}
		v.sessions[token.token.ID()] = session
	}
	if !token.revoked {
		return checkEnvironment(ctx, session, w.environment(token.service), tampered)
	}
	env, err := session.Environment(ctx)
	if errors.Is(err, secrets.ErrUnauthenticated) || tampered && (refused(err) || err == nil && env.Len() == 0) {
		return nil
	}
	return fmt.Errorf("a revoked token of %s reads, %v", token.service, err)
}

// checkEnvironment holds what a source reads against what it should. What is
// hidden is absent, but what is there is right.
func checkEnvironment(ctx context.Context, source secrets.Source, want map[string]string, tampered bool) error {
	env, err := source.Environment(ctx)
	if err != nil {
		if tampered && refused(err) {
			return nil
		}
		return err
	}
	got := map[string]string{}
	for v := range env.All() {
		got[v.Name] = v.Value.Reveal()
	}
	expected := maps.Clone(want)
	if tampered {
		maps.DeleteFunc(expected, func(name, _ string) bool { _, ok := got[name]; return !ok })
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		return fmt.Errorf("environment (-want +got):\n%s", diff)
	}
	return nil
}

// refused reports whether an error is one that tampering may lead to.
func refused(err error) bool {
	return errors.Is(err, secrets.ErrTampered) || errors.Is(err, secrets.ErrNotFound) ||
		errors.Is(err, secrets.ErrUnauthenticated) || errors.Is(err, secrets.ErrWrongRoot)
}
