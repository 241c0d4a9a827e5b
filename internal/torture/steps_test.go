package torture_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/seed-9f6dc42a/secrets"
)

// A step is something to do, for real and in the model.
type step struct {
	kind    string
	name    string // kind, and what it is done to
	do      func(context.Context, *secrets.Organization) error
	model   func(*world) answer
	long    bool // it takes several commits, and is finished by repeating it
	deletes bool // it goes on past what does not open, at the cost of that
}

// kinds returns the kinds of steps, as often as each is to be drawn.
func kinds() []string {
	return []string{
		"create", "set", "update", "rollback", "delete", "change",
		"grant", "grant", "revoke", "create service", "create service", "delete service", "issue", "issue", "revoke token",
	}
}

// draw draws what to do next.
func (m *machine) draw(t *rapid.T) step {
	secret := rapid.SampledFrom([]secrets.Name{"a", "b", "c"}).Draw(t, "secret")
	service := rapid.SampledFrom([]secrets.Name{"api", "web"}).Draw(t, "service")
	k := rapid.SampledFrom(kinds()).Draw(t, "kind")
	s := m.drawKind(t, k, secret, service)
	s.kind = k
	return s
}

func (m *machine) drawKind(t *rapid.T, k string, secret, service secrets.Name) step {
	switch k {
	case "change":
		return m.drawChange(t)
	case "grant", "revoke":
		return granting(service, secret, k == "grant")
	case "create service":
		return creation(service)
	case "delete service":
		return dismissal(service)
	case "issue":
		return m.issue(service)
	case "revoke token":
		return m.drawRevocation(t, service)
	default:
		return m.drawValue(t, kind(k), secret)
	}
}

func (m *machine) value() string {
	m.made++
	return fmt.Sprint("v", m.made)
}

func (m *machine) drawValue(t *rapid.T, k kind, secret secrets.Name) step {
	in := input{kind: k, secret: secret}
	switch k {
	case rollback:
		in.version = m.world.secrets[secret].version + 1 - min(m.world.secrets[secret].version, rapid.Uint64Range(0, 4).Draw(t, "back"))
	case remove:
		in.force = rapid.Bool().Draw(t, "revoke")
	default:
		in.value = m.value()
	}
	i := slices.IndexFunc(actions(), func(a action) bool { return a.kind == k })
	return step{
		name: in.String(), deletes: k == remove,
		do: func(ctx context.Context, org *secrets.Organization) error {
			_, err := actions()[i].do(ctx, &client{org: org}, in)
			return err
		},
		model: func(w *world) answer { return w.apply(in) },
	}
}

// drawChange sets two secrets, or sets one and deletes the other, in one commit.
func (m *machine) drawChange(t *rapid.T) step {
	first := input{kind: set, secret: "a", value: m.value()}
	second := input{kind: set, secret: "b", value: m.value()}
	if rapid.Bool().Draw(t, "delete") {
		second = input{kind: remove, secret: "b", force: true}
	}
	return step{
		name: fmt.Sprintf("change: %v, %v", first, second),
		do: func(ctx context.Context, org *secrets.Organization) error {
			return org.Change(ctx, func(c *secrets.Change) error {
				err := c.SetSecret(first.secret, secrets.Text(first.value))
				if second.kind == remove {
					return errors.Join(err, c.DeleteSecret(second.secret, &secrets.DeleteOptions{Revoke: true}))
				}
				return errors.Join(err, c.SetSecret(second.secret, secrets.Text(second.value)))
			})
		},
		model: func(w *world) answer {
			if second.kind == remove && !w.secrets[second.secret].live {
				return notFound
			}
			w.apply(first)
			return w.apply(second)
		},
	}
}

func granting(service, secret secrets.Name, granted bool) step {
	return step{
		name: fmt.Sprintf("grant %s to %s: %t", secret, service, granted), deletes: !granted,
		do: func(ctx context.Context, org *secrets.Organization) error {
			s, err := org.Service(ctx, service)
			if err != nil {
				return err
			}
			if !granted {
				return s.Revoke(ctx, secret)
			}
			_, err = s.Grant(ctx, secret, "")
			return err
		},
		model: func(w *world) answer { return w.grant(service, secret, granted) },
	}
}

func creation(service secrets.Name) step {
	return step{
		name: fmt.Sprintf("create service %s", service),
		do: func(ctx context.Context, org *secrets.Organization) error {
			_, err := org.CreateService(ctx, service)
			return err
		},
		model: func(w *world) answer { return w.createService(service) },
	}
}

func dismissal(service secrets.Name) step {
	return step{
		name: fmt.Sprintf("delete service %s", service), long: true, deletes: true,
		do: func(ctx context.Context, org *secrets.Organization) error {
			return org.DeleteService(ctx, service)
		},
		model: func(w *world) answer { return w.deleteService(service) },
	}
}

// mostIssued keeps a service below the 64 tokens that it may have: a fuzzer gets
// there, and nobody knows how many there are whose answer was lost.
const mostIssued = 60

// issue issues a token. If its answer is lost nobody ever has it.
func (m *machine) issue(service secrets.Name) step {
	if m.asked++; m.asked > mostIssued {
		return creation(service)
	}

	var token secrets.Token
	return step{
		name: fmt.Sprintf("issue a token of %s", service),
		do: func(ctx context.Context, org *secrets.Organization) error {
			s, err := org.Service(ctx, service)
			if err == nil {
				token, err = s.IssueToken(ctx)
			}
			return err
		},
		model: func(w *world) answer {
			if w.services[service] == nil {
				return notFound
			}
			if !token.IsZero() {
				w.tokens = append(w.tokens, issued{service: service, token: token})
			}
			return done
		},
	}
}

// drawRevocation revokes a token, which may be revoked already.
func (m *machine) drawRevocation(t *rapid.T, service secrets.Name) step {
	if len(m.world.tokens) == 0 {
		return m.issue(service)
	}
	i := rapid.IntRange(0, len(m.world.tokens)-1).Draw(t, "token")
	token := m.world.tokens[i]
	return step{
		name: fmt.Sprintf("revoke token %d, of %s", i, token.service), long: true, deletes: true,
		do: func(ctx context.Context, org *secrets.Organization) error {
			s, err := org.Service(ctx, token.service)
			if err != nil {
				return err
			}
			return s.RevokeToken(ctx, token.token.ID())
		},
		model: func(w *world) answer {
			if token.revoked {
				return notFound
			}
			w.tokens[i].revoked = true
			return done
		},
	}
}
