package secrets

import (
	"context"
	"errors"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// DeleteService deletes a service for good: its tokens and grants go with it.
// It gives [ErrNotFound]. An interrupted deletion is finished by repeating it,
// or by creating the name again; no app reads anything meanwhile. It also
// deletes a service whose record does not open. Secrets that do not open keep
// it from being finished, with [ErrTampered]: delete them first.
func (o *Organization) DeleteService(ctx context.Context, name Name) error {
	return o.fail("delete service", name, "", o.deleteService(ctx, name))
}

func (o *Organization) deleteService(ctx context.Context, name Name) error {
	if err := name.checkAs("service"); err != nil {
		return err
	}
	s := &Service{org: o, name: name}
	begun := false
	err := retry(ctx, func() error {
		v, err := o.read(ctx, o.serviceKeys(name)...)
		if err != nil {
			return err
		}
		record, err := v.service(name)
		if errors.Is(err, ErrTampered) {
			err := s.salvage(ctx, v)
			begun = begun || err == errMore
			return err
		}
		if s.id.IsZero() {
			s.id = record.ID
		}
		return err
	})
	if err != nil {
		return err
	}
	return unsettled(begun, s.delete(ctx))
}

// salvage puts a service that is being deleted, without tokens, in the place of
// records that do not open. Its serial goes on from the clock, which is ahead of
// any that was counted.
func (s *Service) salvage(ctx context.Context, v *view) error {
	record := serviceRecord{ID: crypto.NewID(), State: stateDeleting, Created: instantOf(s.org.client.now())}
	key, err := s.newKey(v, 1)
	if err != nil {
		return err
	}
	record.Current = *key
	var old serviceRecord
	if _, err := v.decode(serviceKey(s.org.name, s.name), typeService, &old, s.name); err == nil {
		record.Serial = old.Serial
	}
	var serial serialRecord
	if _, err := v.decode(serialKey(s.org.name, s.name), typeSerial, &serial, s.name); err == nil {
		record.Serial = max(record.Serial, serial.Serial)
	}
	record.Serial = max(record.Serial, s.org.state.floors.known(serviceKey(s.org.name, s.name))[0], s.org.client.clock())
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	tokens, err := s.org.client.store.List(ctx, tokenPrefix(s.org.name, s.name), "", storage.MaxWrites-2)
	if err != nil {
		return err
	}
	b.Deletes = keysThatFit(tokens)
	s.org.client.log.Warn("deleting a service whose record does not open", "organization", s.org.name, "service", s.name)
	if err := v.commit(ctx, b); err != nil {
		return err
	}
	s.id = record.ID
	return errMore
}

// delete takes the tokens, then the grants, then the record.
func (s *Service) delete(ctx context.Context) error {
	begun := false
	err := retry(ctx, func() error {
		v, err := s.org.read(ctx, s.org.serviceKeys(s.name)...)
		if err != nil {
			return err
		}
		record, err := v.service(s.name)
		switch {
		case isNotFound(err), err == nil && record.ID != s.id:
			return nil
		case err != nil:
			return err
		case record.State == stateLive:
			return s.retire(ctx, v, record)
		}
		begun = true
		if err := s.empty(ctx, v); err != nil {
			return err
		}
		return s.bury(ctx, v, record)
	})
	return unsettled(begun, err)
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
	return errMore // from what was written
}

// empty takes the grants, and whatever else is stored for the service. It goes
// on past secrets that do not open, and returns an error that names them all.
func (s *Service) empty(ctx context.Context, v *view) error {
	checks := v.batch(serviceKey(s.org.name, s.name)).Checks
	if err := sweep(ctx, s.org.client.store, tokenPrefix(s.org.name, s.name), checks); err != nil {
		return err
	}
	names, err := s.rowNames(ctx)
	if err != nil {
		return err
	}
	var damaged error
	for _, name := range names {
		err := s.revokeOrDrop(ctx, name)
		if errors.Is(err, ErrTampered) {
			damaged = errors.Join(damaged, inSecret(name, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	if damaged != nil {
		return damaged
	}
	for _, prefix := range []string{
		variablePrefix(s.org.name, s.name), rowPrefix(s.org.name, s.name),
	} {
		if err := sweep(ctx, s.org.client.store, prefix, checks); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes everything under prefix, as long as checks hold.
func sweep(ctx context.Context, store storage.Store, prefix string, checks []storage.Check) error {
	for size := storage.MaxWrites; ; {
		page, err := store.List(ctx, prefix, "", size)
		if err != nil || len(page) == 0 {
			return err
		}
		b := storage.Batch{Checks: checks}
		for _, e := range page {
			b.Deletes = append(b.Deletes, e.Key)
		}
		_, err = commit(ctx, store, b)
		if errors.Is(err, ErrLimit) && size > 1 { // somebody has put long keys there
			size /= 2
			continue
		}
		if err != nil {
			return err
		}
	}
}

// bury removes the record. The serial stays, and with it nothing that was sent
// for the service before can still have an effect.
func (s *Service) bury(ctx context.Context, v *view, record serviceRecord) error {
	record.State = stateDeleted
	b, err := s.batch(v, &record)
	if err != nil {
		return err
	}
	tombstone, err := v.encode(typeSerial, serialRecord{ServiceID: record.ID, Serial: record.Serial, State: stateDeleted}, s.name)
	if err != nil {
		return err
	}
	b.Puts = []storage.Put{{Key: serialKey(s.org.name, s.name), Value: tombstone}}
	b.Deletes = []string{serviceKey(s.org.name, s.name)}
	return v.commit(ctx, b)
}

// revokeOrDrop takes a grant away, also one whose secret is gone.
func (s *Service) revokeOrDrop(ctx context.Context, secret Name) error {
	err := s.revoke(ctx, secret)
	if err == nil || !isNotFound(err) {
		return err
	}
	keys := append(s.org.serviceKeys(s.name), secretKey(s.org.name, secret))
	v, err := s.org.read(ctx, keys...)
	if err != nil {
		return err
	}
	if record, err := v.service(s.name); err != nil || record.ID != s.id {
		return errors.Join(err, errAgain) // finished by somebody else
	}
	b := v.batch(keys...)
	b.Deletes = []string{rowKey(s.org.name, s.name, secret)}
	return v.commit(ctx, b)
}
