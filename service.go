package secrets

import (
	"context"
	"iter"
	"time"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// A Service is an app that may be granted secrets, in the administrator's
// hands. It is safe for concurrent use and may be kept as long as wished. When
// the service is deleted, also if its name is created again, its calls give
// [ErrNotFound].
type Service struct {
	org  *Organization
	name Name
	id   crypto.ID
}

// ServiceInfo is what may be known of a service without its keys.
type ServiceInfo struct {
	Name      Name
	ID        string
	CreatedAt time.Time
}

// CreateService creates a service that has no token and no grant yet. It gives
// [ErrExists]. It finishes a deletion that was interrupted.
func (o *Organization) CreateService(ctx context.Context, name Name) (*Service, error) {
	s, err := o.createService(ctx, name)
	return s, o.fail("create service", name, "", err)
}

func (o *Organization) createService(ctx context.Context, name Name) (*Service, error) {
	if err := name.check(); err != nil {
		return nil, err
	}
	s := &Service{org: o, name: name, id: crypto.NewID()}
	err := retry(ctx, func() error {
		v, err := o.read(ctx, serviceKey(o.name, name))
		if err != nil {
			return err
		}
		if _, there := v.entries[serviceKey(o.name, name)]; !there {
			return s.put(ctx, v)
		}
		record, err := v.service(name)
		switch {
		case err != nil:
			return err
		case record.ID == s.id:
			return nil
		case record.State == stateDeleting:
			if err := (&Service{org: o, name: name, id: record.ID}).delete(ctx); err != nil {
				return err
			}
			return errAgain
		}
		return ErrExists
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Service) put(ctx context.Context, v *view) error {
	key, err := s.newKey(v, 1)
	if err != nil {
		return err
	}
	record := serviceRecord{ID: s.id, Current: *key, Created: instantOf(s.org.client.now())}
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	return v.commit(ctx, b)
}

// newKey makes a service key.
func (s *Service) newKey(v *view, serial uint64) (*wrappedKey, error) {
	key, err := crypto.NewServiceKey()
	if err != nil {
		return nil, err
	}
	w := &wrappedKey{ID: crypto.NewID(), Serial: serial}
	w.Wrap, err = v.keyset.WrapServiceKey(key, serviceKeyBinding(s.org.id, s.name, s.id, *w))
	return w, err
}

// batch returns a batch that writes the service's record with the next serial,
// on the condition that it is as it was read.
func (s *Service) batch(v *view, record *serviceRecord) (storage.Batch, error) {
	key := serviceKey(s.org.name, s.name)
	b := v.batch(key)
	record.Serial++
	value, err := v.encode(typeService, *record, s.name)
	b.Puts = []storage.Put{{Key: key, Value: value}}
	return b, err
}

// Service opens a service, or gives [ErrNotFound].
func (o *Organization) Service(ctx context.Context, name Name) (*Service, error) {
	s, err := o.openService(ctx, name)
	return s, o.fail("open service", name, "", err)
}

func (o *Organization) openService(ctx context.Context, name Name) (*Service, error) {
	if err := name.check(); err != nil {
		return nil, err
	}
	v, err := o.read(ctx, serviceKey(o.name, name))
	if err != nil {
		return nil, err
	}
	record, err := v.service(name)
	if err != nil {
		return nil, err
	}
	if record.State != stateLive {
		return nil, ErrNotFound
	}
	return &Service{org: o, name: name, id: record.ID}, nil
}

// Services yields the services in byte order of their names, as
// [Organization.Secrets] does secrets.
func (o *Organization) Services(ctx context.Context, opts *ListOptions) iter.Seq2[ServiceInfo, error] {
	return func(yield func(ServiceInfo, error) bool) {
		for name, r := range list(ctx, o.client.store, servicePrefix(o.name), opts) {
			if r.err != nil {
				yield(ServiceInfo{}, o.fail("list services", "", "", r.err))
				return
			}
			info := ServiceInfo{Name: name}
			var record serviceRecord
			err := o.decodeListed(ctx, r.entry, typeService, name, &record)
			if err == nil && record.State != stateLive {
				r.skip()
				continue
			}
			if err == nil {
				info.ID, info.CreatedAt = record.ID.String(), record.Created.time()
			}
			if !yield(info, o.fail("list services", name, "", err)) {
				return
			}
		}
	}
}

// Name returns the service's name.
func (s *Service) Name() Name { return s.name }

// read reads the service's record.
func (s *Service) read(ctx context.Context) (serviceRecord, error) {
	v, err := s.org.read(ctx, serviceKey(s.org.name, s.name))
	if err != nil {
		return serviceRecord{}, err
	}
	return s.verify(v)
}

// verify returns the record of this very service, if it is live.
func (s *Service) verify(v *view) (serviceRecord, error) {
	record, err := v.service(s.name)
	if err != nil {
		return record, err
	}
	if record.ID != s.id || record.State != stateLive {
		return record, ErrNotFound
	}
	return record, nil
}

// grantKeys returns the ids of the service keys that a grant is made for.
func (r *serviceRecord) grantKeys() []crypto.ID {
	if r.Next != nil {
		return []crypto.ID{r.Current.ID, r.Next.ID}
	}
	return []crypto.ID{r.Current.ID}
}

// Environment returns what the service may read, for a platform that starts
// apps: the same records, wraps and checks as in the app's own
// [Session.Environment].
func (s *Service) Environment(ctx context.Context) (*Environment, error) {
	r := &reader{
		store: s.org.client.store, organization: s.org.name, service: s.name,
		keys: []string{organizationKey(s.org.name), serviceKey(s.org.name, s.name)},
	}
	since := s.org.state.floors.now()
	r.authenticate = func(ctx context.Context, entries map[string]storage.Entry) error {
		v := &view{org: s.org, entries: entries, since: since}
		entry, ok := entries[organizationKey(s.org.name)]
		if !ok {
			return ErrNotFound
		}
		var err error
		if v.keyset, err = s.org.liveKeyset(ctx, entry); err != nil {
			return err
		}
		record, err := s.verify(v)
		if err != nil {
			return err
		}
		r.organizationID, r.serviceID, r.keyID = s.org.id, record.ID, record.Current.ID
		r.key, err = v.serviceKey(s.name, record.ID, record.Current)
		return err
	}
	env, err := r.environment(ctx)
	return env, s.fail("environment", "", err)
}

// DeleteService deletes a service for good: its tokens and grants go with it.
// It gives [ErrNotFound]. An interrupted deletion is finished by repeating it,
// or by creating the name again; no app reads anything meanwhile.
func (o *Organization) DeleteService(ctx context.Context, name Name) error {
	return o.fail("delete service", name, "", o.deleteService(ctx, name))
}

func (o *Organization) deleteService(ctx context.Context, name Name) error {
	if err := name.check(); err != nil {
		return err
	}
	v, err := o.read(ctx, serviceKey(o.name, name))
	if err != nil {
		return err
	}
	record, err := v.service(name)
	if err != nil {
		return err
	}
	return (&Service{org: o, name: name, id: record.ID}).delete(ctx)
}

// delete takes the tokens, then the grants, then the record.
func (s *Service) delete(ctx context.Context) error {
	return retry(ctx, func() error {
		v, err := s.org.read(ctx, serviceKey(s.org.name, s.name))
		if err != nil {
			return err
		}
		if _, there := v.entries[serviceKey(s.org.name, s.name)]; !there {
			return nil
		}
		record, err := v.service(s.name)
		if err != nil || record.ID != s.id {
			return err
		}
		if record.State == stateLive {
			return s.retire(ctx, v, record)
		}
		names, err := s.rowNames(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := s.revokeOrDrop(ctx, name); err != nil {
				return err
			}
		}
		b := v.batch(serviceKey(s.org.name, s.name))
		b.Deletes = []string{serviceKey(s.org.name, s.name)}
		return v.commit(ctx, b)
	})
}

// retire marks the service as deleting and takes its tokens away.
func (s *Service) retire(ctx context.Context, v *view, record serviceRecord) error {
	tokens := s.tokenKeys(record)
	record.State, record.Tokens, record.Retiring = stateDeleting, nil, nil
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	b.Deletes = tokens
	if err := v.commit(ctx, b); err != nil {
		return err
	}
	return errAgain // to go on from what was written
}

// revokeOrDrop takes a grant away, also one whose secret is gone.
func (s *Service) revokeOrDrop(ctx context.Context, secret Name) error {
	err := s.revoke(ctx, secret)
	if err == nil || !isNotFound(err) {
		return err
	}
	v, err := s.org.read(ctx, secretKey(s.org.name, secret), rowKey(s.org.name, s.name, secret))
	if err != nil {
		return err
	}
	b := v.batch(secretKey(s.org.name, secret))
	b.Deletes = []string{rowKey(s.org.name, s.name, secret)}
	return v.commit(ctx, b)
}

func (s *Service) fail(op string, secret Name, err error) error {
	return s.org.fail(op, s.name, secret, err)
}

// tokenKeys returns the keys of the service's tokens.
func (s *Service) tokenKeys(record serviceRecord) []string {
	keys := make([]string, len(record.Tokens))
	for i, id := range record.Tokens {
		keys[i] = tokenKey(s.org.name, s.name, id)
	}
	return keys
}
