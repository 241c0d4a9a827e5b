package secrets

import (
	"cmp"
	"context"
	"errors"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// A SweepReport counts what [Client.Sweep] has finished.
type SweepReport struct {
	Organizations int // deletions of organizations; one that is in use is taken back
	Services      int // deletions of services
	Secrets       int // deletions of secrets
	Keys          int // rotations of organizations' keys
	ServiceKeys   int // replacements of services' keys, as RevokeToken begins them
	Tokens        int // that had expired, and are revoked now
}

// Sweep finishes what was interrupted in all organizations: deletions, rotations of
// keys, and replacements of services' keys. It revokes tokens that have expired, so that their
// keys open nothing that is stored afterwards. It may be used at any time, also by
// several at once, and repeated; a platform does so now and then. It reads every
// service and every secret, in pages of constant memory.
//
// It goes on past what does not open, or not with this root, and then gives an
// error that is [ErrTampered] or [ErrWrongRoot], or both, and names ten of each. Any
// other error ends it. The report is right also beside an error.
func (c *Client) Sweep(ctx context.Context) (SweepReport, error) {
	s := sweeper{client: c}
	err := s.organizations(ctx)
	return s.report, c.fail("sweep", "", cmp.Or(err, s.skipped.err()))
}

// A sweeper is one Sweep.
type sweeper struct {
	client  *Client
	report  SweepReport
	skipped skips
}

// past is skips.past, and what is gone by now is no error.
func (s *sweeper) past(what Name, err error) error {
	if isNotFound(err) {
		return nil
	}
	return s.skipped.past(string(what), err)
}

func (s *sweeper) organizations(ctx context.Context) error {
	return each(ctx, s.client.store, organizationsPrefix, func(name Name, _ storage.Entry) error {
		return s.past(name, s.organization(ctx, name))
	})
}

func (s *sweeper) organization(ctx context.Context, name Name) error {
	org, deleted, err := s.client.finishOrganization(ctx, name)
	if deleted {
		s.report.Organizations++
	}
	if org == nil || err != nil {
		return err
	}
	for _, step := range []func(context.Context, *Organization) error{s.services, s.secrets, s.key} {
		if err := step(ctx, org); err != nil {
			return err
		}
	}
	return nil
}

// key finishes a rotation of the organization's key.
func (s *sweeper) key(ctx context.Context, org *Organization) error {
	v, err := org.read(ctx)
	if err != nil || len(oldKeys(v.keyset)) == 0 {
		return err
	}
	if err := org.rotateKey(ctx, &progress{}); err != nil {
		return err
	}
	s.report.Keys++
	return nil
}

// finishOrganization finishes a deletion that is under way, and returns the
// organization if there is one then.
func (c *Client) finishOrganization(ctx context.Context, name Name) (org *Organization, deleted bool, err error) {
	err = retry(ctx, func() error {
		entry, record, err := c.readOrganization(ctx, name)
		if err != nil || entry.Version == 0 {
			org = nil
			return err
		}
		if org, err = c.handle(ctx, name, entry, record); err != nil || record.State == stateLive {
			return err
		}
		deleted = true
		err = org.finishDeletion(ctx, entry, record, false)
		if err == nil || errors.Is(err, ErrInUse) { // then it is back
			return errMore
		}
		return err
	})
	return org, deleted, err
}

// services finishes what there is of each service.
func (s *sweeper) services(ctx context.Context, org *Organization) error {
	return each(ctx, org.client.store, servicePrefix(org.name), func(name Name, _ storage.Entry) error {
		return s.past(org.name+"/service/"+name, s.service(ctx, org, name))
	})
}

func (s *sweeper) service(ctx context.Context, org *Organization, name Name) error {
	v, err := org.read(ctx, org.serviceKeys(name)...)
	if err != nil {
		return err
	}
	record, err := v.service(name)
	if err != nil {
		return err
	}
	service := &Service{org: org, name: name, id: record.ID}
	if record.State != stateLive {
		err := service.delete(ctx)
		if err == nil {
			s.report.Services++
		}
		return err
	}
	revoked, damaged, err := service.revokeExpired(ctx, org.client.now())
	s.report.Tokens += revoked
	if err == nil && (record.Next != nil || record.Previous != nil) {
		s.report.ServiceKeys++
	}
	return cmp.Or(err, damaged.err())
}

// secrets finishes the deletions of secrets. Those that live are not opened.
func (s *sweeper) secrets(ctx context.Context, org *Organization) error {
	return each(ctx, org.client.store, secretPrefix(org.name), func(name Name, e storage.Entry) error {
		var record secretRecord
		if decode(e.Value, &record) == nil && record.State == stateLive {
			return nil
		}
		return s.past(org.name+"/secret/"+name, s.secret(ctx, org, name))
	})
}

func (s *sweeper) secret(ctx context.Context, org *Organization, name Name) error {
	swept := false
	err := retry(ctx, func() error {
		v, secret, err := org.readSecret(ctx, name)
		if err != nil || !secret.unfinished() {
			return err
		}
		swept = true
		return org.cleanUp(ctx, v, secret)
	})
	if err == nil && swept {
		s.report.Secrets++
	}
	return err
}
