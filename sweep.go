package secrets

import (
	"context"
	"errors"
	"fmt"
)

// A SweepReport counts what [Client.Sweep] has finished.
type SweepReport struct {
	Organizations int // deletions of organizations; one that is in use is taken back
	Services      int // deletions of services
	Secrets       int // deletions of secrets
	ServiceKeys   int // replacements of services' keys, as RevokeToken begins them
	Tokens        int // that had expired, and are revoked now
}

// Sweep finishes what was interrupted in all organizations: deletions, and
// replacements of keys. It revokes tokens that have expired, so that their
// keys open nothing that is stored afterwards. It may be used at any time, also by
// several at once, and repeated; a platform does so now and then. It reads every
// service and every secret, in pages of constant memory.
//
// It goes on past what does not open, or not with this root, and then gives one
// error that is [ErrTampered] or [ErrWrongRoot] and names some of it. Any other
// error ends it. The report is right also beside an error.
func (c *Client) Sweep(ctx context.Context) (SweepReport, error) {
	s := sweeper{client: c}
	err := s.organizations(ctx)
	return s.report, c.fail("sweep", "", errors.Join(append(s.damaged, err)...))
}

// A sweeper is one Sweep.
type sweeper struct {
	client  *Client
	report  SweepReport
	damaged []error
}

// maxDamaged is how many errors are named.
const maxDamaged = 10

// past notes an error that is about one thing alone, and returns any other. What
// is gone by now is none.
func (s *sweeper) past(what string, name Name, err error) error {
	if isNotFound(err) {
		return nil
	}
	if err == nil || !errors.Is(err, ErrTampered) && !errors.Is(err, ErrWrongRoot) {
		return err
	}
	if len(s.damaged) < maxDamaged {
		s.damaged = append(s.damaged, fmt.Errorf("%s %q: %w", what, name, err))
	}
	return nil
}

func (s *sweeper) organizations(ctx context.Context) error {
	for name, r := range list(ctx, s.client.store, organizationsPrefix, nil) {
		if r.err != nil {
			return r.err
		}
		if name == "" { // no key that an organization has
			continue
		}
		if err := s.past("organization", name, s.organization(ctx, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweeper) organization(ctx context.Context, name Name) error {
	org, deleted, err := s.client.finishOrganization(ctx, name)
	if deleted {
		s.report.Organizations++
	}
	if org == nil || err != nil {
		return err
	}
	if err := s.services(ctx, org); err != nil {
		return err
	}
	return s.secrets(ctx, org)
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
	for name, r := range list(ctx, org.client.store, servicePrefix(org.name), nil) {
		if r.err != nil {
			return r.err
		}
		if name == "" {
			continue
		}
		if err := s.past(fmt.Sprintf("organization %q, service", org.name), name, s.service(ctx, org, name)); err != nil {
			return err
		}
	}
	return nil
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
	revoked, err := service.revokeExpired(ctx, org.client.now())
	s.report.Tokens += revoked
	if err == nil && (record.Next != nil || record.Previous != nil) {
		s.report.ServiceKeys++
	}
	return err
}

// secrets finishes the deletions of secrets. Those that live are not opened.
func (s *sweeper) secrets(ctx context.Context, org *Organization) error {
	for name, r := range list(ctx, org.client.store, secretPrefix(org.name), nil) {
		if r.err != nil {
			return r.err
		}
		var record secretRecord
		if name == "" || decode(r.entry.Value, &record) == nil && record.State == stateLive {
			continue
		}
		if err := s.past(fmt.Sprintf("organization %q, secret", org.name), name, s.secret(ctx, org, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweeper) secret(ctx context.Context, org *Organization, name Name) error {
	swept := false
	err := retry(ctx, func() error {
		v, err := org.readSecrets(ctx, []Name{name})
		if err != nil {
			return err
		}
		secret, err := v.secret(name)
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
