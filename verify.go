package secrets

import (
	"context"
	"strings"
)

// A VerifyReport is what [Client.Verify] has found.
type VerifyReport struct {
	Records  int       // that were looked at
	Findings []Finding // each record at most once, in no order
}

// A Finding is a record that is not as the engine has written it.
type Finding struct {
	Key    string // of the record in the store: names and ids, never a value
	Reason string
}

// The reasons.
const (
	doesNotOpen = "does not open, or contradicts another record"
	isMissing   = "is missing, or does not open"
	isForNobody = "belongs to nothing"
	isUnknown   = "is no record of this library"
)

// Verify walks through an organization and reports every record that does not
// open, contradicts another, is missing, or belongs to nothing. It opens all
// values, of older versions too, and each grant as its service would; it keeps
// none. It changes nothing, may be used at any time, and takes memory for a page
// of records and for what it finds.
//
// It gives [ErrNotFound] if there is no such organization, [ErrWrongRoot] if the
// root does not open it, and the errors of the store: then the report is what was
// found before. What an interrupted operation has left is no finding:
// [Client.Sweep] finishes it. The record of a variable that belongs to nothing does
// no harm: [Organization.DeleteSecret] leaves it of a secret that did not open, and
// the next grant of that variable takes it over.
func (c *Client) Verify(ctx context.Context, organization Name) (VerifyReport, error) {
	w := verifier{report: VerifyReport{Records: 1}, found: make(map[string]bool)} // the organization's own
	org, err := c.organization(ctx, organization)
	if err == nil {
		w.org = org
		err = w.walk(ctx)
	}
	return w.report, c.fail("verify", organization, err)
}

// A verifier is one walk.
type verifier struct {
	org    *Organization
	report VerifyReport
	found  map[string]bool // the keys of the findings
}

// find notes a record, unless it was noted already: some are met twice.
func (w *verifier) find(key, reason string) {
	if w.found[key] {
		return
	}
	w.found[key] = true
	w.report.Findings = append(w.report.Findings, Finding{Key: key, Reason: reason})
}

// walk looks at everything under the organization's prefix, a page at a time.
func (w *verifier) walk(ctx context.Context) error {
	prefix, looks := organizationPrefix(w.org.name), w.looks()
	for _, r := range list(ctx, w.org.client.store, prefix, nil) {
		if r.err != nil {
			return r.err
		}
		kind, rest, _ := strings.Cut(strings.TrimPrefix(r.entry.Key, prefix), "/")
		if err := w.look(ctx, r.entry.Key, looks[kind], rest); err != nil {
			return err
		}
		w.report.Records++
	}
	return nil
}

// A look is at records of one kind, by so many names in their keys.
type look struct {
	names int
	at    func(ctx context.Context, names []Name) error
}

func (w *verifier) looks() map[string]look {
	return map[string]look{
		"secret": {1, w.secret}, "access": {1, w.access}, "service": {1, w.service}, "serial": {1, w.service},
		"token": {2, w.token}, "env": {2, w.row}, "var": {2, w.variable}, "version": {2, w.version},
	}
}

// look looks at a record by the names in its key. It reads it anew, with those
// that stand behind it, so that what changes meanwhile is seen as a whole.
func (w *verifier) look(ctx context.Context, key string, l look, rest string) error {
	var names []Name
	for _, part := range strings.SplitN(rest, "/", 3) { // no look takes more than two
		names = append(names, Name(part))
	}
	if len(names) != l.names || names[0].check() != nil {
		w.find(key, isUnknown)
		return nil
	}
	return l.at(ctx, names)
}
