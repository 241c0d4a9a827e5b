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
	if err := name.checkAs("service"); err != nil {
		return nil, err
	}
	s := &Service{org: o, name: name, id: crypto.NewID()}
	err := retry(ctx, func() error {
		v, err := o.read(ctx, o.serviceKeys(name)...)
		if err != nil {
			return err
		}
		record, err := v.service(name)
		switch {
		case isNotFound(err) && record.ID == s.id:
			return err // an attempt whose answer was lost, deleted by somebody else
		case isNotFound(err):
			return s.put(ctx, v, record.Serial)
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

// put creates the service; serial is that of the one that had the name before.
func (s *Service) put(ctx context.Context, v *view, serial uint64) error {
	key, err := s.newKey(v, 1)
	if err != nil {
		return err
	}
	record := serviceRecord{ID: s.id, Serial: serial, Current: *key, Created: instantOf(s.org.client.now())}
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

// serviceKeys returns the keys of the records that view.service needs.
func (o *Organization) serviceKeys(name Name) []string {
	return []string{serviceKey(o.name, name), serialKey(o.name, name)}
}

// batch returns a batch that writes the service's record with the next serial,
// on the condition that it is as it was read.
func (s *Service) batch(v *view, record *serviceRecord) (storage.Batch, error) {
	keys := s.org.serviceKeys(s.name)
	b := v.batch(keys...)
	record.Serial++
	value, err := v.encode(typeService, *record, s.name)
	if err != nil {
		return b, err
	}
	serial, err := v.encode(typeSerial, serialRecord{ServiceID: record.ID, Serial: record.Serial}, s.name)
	if err != nil {
		return b, err
	}
	v.will(keys[0], record)
	b.Puts = []storage.Put{{Key: keys[0], Value: value}, {Key: keys[1], Value: serial}}
	return b, nil
}

// Service opens a service, or gives [ErrNotFound].
func (o *Organization) Service(ctx context.Context, name Name) (*Service, error) {
	s, err := o.openService(ctx, name)
	return s, o.fail("open service", name, "", err)
}

func (o *Organization) openService(ctx context.Context, name Name) (*Service, error) {
	if err := name.checkAs("service"); err != nil {
		return nil, err
	}
	v, err := o.read(ctx, o.serviceKeys(name)...)
	if err != nil {
		return nil, err
	}
	record, err := v.service(name)
	if err != nil {
		return nil, err
	}
	if record.State != stateLive {
		return nil, errNoService
	}
	return &Service{org: o, name: name, id: record.ID}, nil
}

// Services yields the services in byte order of their names, as
// [Organization.Secrets] does secrets.
func (o *Organization) Services(ctx context.Context, opts *ListOptions) iter.Seq2[ServiceInfo, error] {
	return func(yield func(ServiceInfo, error) bool) {
		v, err := o.read(ctx)
		if err != nil {
			yield(ServiceInfo{}, o.fail("list services", "", "", err))
			return
		}
		for name, r := range list(ctx, o.client.store, servicePrefix(o.name), opts) {
			if r.err != nil {
				yield(ServiceInfo{}, o.fail("list services", "", "", r.err))
				return
			}
			info := ServiceInfo{Name: name}
			var record serviceRecord
			err := v.decodeListed(ctx, r.entry, typeService, name, &record)
			if err == errGone || err == nil && record.State != stateLive {
				r.skip()
				continue
			}
			if err == nil {
				info.ID, info.CreatedAt = record.ID.String(), record.Created.time()
			}
			if !yield(info, o.fail("list services", name, "", err)) || endsListing(err) {
				return
			}
		}
	}
}

// Name returns the service's name.
func (s *Service) Name() Name { return s.name }

// read reads the service's record.
func (s *Service) read(ctx context.Context) (serviceRecord, error) {
	v, err := s.org.read(ctx, s.org.serviceKeys(s.name)...)
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
		return record, errNoService
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
// [Session.Environment]. Beyond that, secrets that no administrator has written
// are [ErrTampered], and a variable that [CheckEnv] refuses is an [*EnvError]:
// somebody with the service's token and the database could have put them there.
func (s *Service) Environment(ctx context.Context) (*Environment, error) {
	var v *view
	r := &reader{
		store: s.org.client.store, organization: s.org.name, service: s.name,
		keys: append(s.org.serviceKeys(s.name), organizationKey(s.org.name)),
	}
	since := s.org.state.floors.now()
	r.authenticate = func(ctx context.Context, entries []storage.Entry) (err error) {
		if v, err = s.org.view(ctx, since, byKey(entries)); err != nil {
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
	r.verify = func(variable Variable, e storage.Entry) error {
		var record secretRecord
		if err := openRecord(v.keyset, typeSecret, s.org.id, e.Value, &record, s.org.name, variable.Secret); err != nil {
			return err
		}
		if variable.Name != NoEnv {
			if err := CheckEnv(variable.Name, s.org.client.allow...); err != nil {
				return err
			}
		}
		return v.remember(e.Key, &record)
	}
	env, err := r.environment(ctx)
	return env, s.fail("environment", "", err)
}

func (s *Service) fail(op string, secret Name, err error) error {
	return s.org.fail(op, s.name, secret, err)
}
