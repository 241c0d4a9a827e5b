package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/storagetest"
)

// The secrets that all clients work on.
var secretNames = []secrets.Name{"a", "b"}

// A client is a process of its own: its handles, and a session of the app.
type client struct {
	*round
	id     int
	store  *chancy
	random *rand.Rand // draws what it does, apart from what befalls it

	admin    *secrets.Client
	org      *secrets.Organization
	api      *secrets.Service
	session  *secrets.Session
	made     int // values
	versions [2]uint64
}

// An action is what a client may do, and how often compared with the others.
type action struct {
	kind   kind
	weight int
	do     func(context.Context, *client, input) (output, error)
}

func actions() []action {
	changed := func(s secrets.Secret, err error) (output, error) { return output{version: s.Version}, err }
	return []action{
		{read, 7, nil},     // these three have methods of their own
		{change, 1, nil},   // since they are about every secret,
		{maintain, 1, nil}, // or none
		{create, 2, func(ctx context.Context, c *client, in input) (output, error) {
			return changed(c.org.CreateSecret(ctx, in.secret, secrets.Text(in.value)))
		}},
		{set, 3, func(ctx context.Context, c *client, in input) (output, error) {
			return changed(c.org.SetSecret(ctx, in.secret, secrets.Text(in.value)))
		}},
		{update, 3, func(ctx context.Context, c *client, in input) (output, error) {
			opts := &secrets.UpdateOptions{IfVersion: in.version}
			return changed(c.org.UpdateSecret(ctx, in.secret, secrets.Text(in.value), opts))
		}},
		{rollback, 2, func(ctx context.Context, c *client, in input) (output, error) {
			return changed(c.org.RollbackSecret(ctx, in.secret, in.version, nil))
		}},
		{describe, 1, func(ctx context.Context, c *client, in input) (output, error) {
			return changed(c.org.Secret(ctx, in.secret))
		}},
		{reveal, 1, func(ctx context.Context, c *client, in input) (output, error) {
			v, err := c.org.RevealSecret(ctx, in.secret)
			return output{value: v.Reveal()}, err
		}},
		{grant, 4, func(ctx context.Context, c *client, in input) (output, error) {
			_, err := c.api.Grant(ctx, in.secret, "")
			return output{}, err
		}},
		{revoke, 2, func(ctx context.Context, c *client, in input) (output, error) {
			return output{}, c.api.Revoke(ctx, in.secret)
		}},
		{remove, 2, func(ctx context.Context, c *client, in input) (output, error) {
			return output{}, c.org.DeleteSecret(ctx, in.secret, &secrets.DeleteOptions{Revoke: in.force})
		}},
	}
}

// play does a number of operations, each with the faults that are drawn for it.
func (c *client) play(ctx context.Context, operations int) {
	var drawn []action
	for _, a := range actions() {
		drawn = append(drawn, slices.Repeat([]action{a}, a.weight)...)
	}
	for left := operations; left > 0; {
		c.store.pace.pause()
		a := drawn[c.random.IntN(len(drawn))]
		in := c.input(a.kind)
		ctx, dies := c.store.draw(ctx, c.rate)
		if !c.rest(c.do(ctx, a, in)) {
			left-- // else it was no operation to speak of
		}
		if dies {
			c.revive(ctx)
		}
	}
}

func (c *client) do(ctx context.Context, a action, in input) error {
	switch a.kind {
	case read:
		return c.read(ctx)
	case change:
		return c.changeAll(ctx, in.value)
	case maintain:
		return c.maintain(ctx)
	}
	return c.doOne(ctx, a, in)
}

// input draws what an operation is about.
func (c *client) input(k kind) input {
	i := c.random.IntN(len(secretNames))
	in := input{kind: k, secret: secretNames[i]}
	switch k {
	case create, set, change, update:
		if k != set || c.random.IntN(3) > 0 { // pipelines run twice
			c.made++
		}
		in.value = fmt.Sprintf("v%d-%d", c.id, c.made)
	case remove:
		in.force = c.random.IntN(2) == 0
	}
	switch {
	case k == update && c.random.IntN(3) == 0:
		in.version = c.versions[i]
	case k == rollback: // what this client knows of, or a little older
		in.version = max(c.versions[i], 3) - uint64(c.random.IntN(3))
	}
	return in
}

// doOne does an operation on one secret and records it.
func (c *client) doOne(ctx context.Context, a action, in input) error {
	call := c.history.call()
	out, err := a.do(ctx, c, in)
	out.answer = c.answer(in, err)
	if out.answer != done {
		out = output{answer: out.answer}
	}
	if c.store.lost && in.declarative() && (err == nil || out.answer == notFound || errors.Is(err, secrets.ErrConflict)) {
		c.history.add(c.id, call, in, output{answer: twice})
	}
	c.history.add(c.id, call, in, out)
	if out.version != 0 {
		c.versions[slices.Index(secretNames, in.secret)] = out.version
	}
	return err
}

// read reads the environment, as the app or as the platform, which is a read of
// every secret.
func (c *client) read(ctx context.Context) error {
	source := secrets.Source(c.session)
	if c.random.IntN(3) == 0 {
		source = c.api
	}
	call := c.history.call()
	env, err := source.Environment(ctx)
	for i, name := range secretNames {
		in := input{kind: read, secret: name}
		out := output{answer: c.answer(in, err)}
		if err == nil {
			out.value, out.version = find(env, name)
		}
		if out.answer == unknown {
			c.history.surprise(fmt.Errorf("a read of unknown outcome: %w", err))
		}
		if out.version != 0 {
			c.versions[i] = out.version
		}
		c.history.add(c.id, call, in, out)
	}
	return err
}

// changeAll sets every secret in one commit, which is a set of each.
func (c *client) changeAll(ctx context.Context, value string) error {
	call := c.history.call()
	err := c.org.Change(ctx, func(change *secrets.Change) error {
		for _, name := range secretNames {
			if err := change.SetSecret(name, secrets.Text(value)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, name := range secretNames {
		in := input{kind: change, secret: name, value: value}
		c.history.add(c.id, call, in, output{answer: c.answer(in, err)})
	}
	return err
}

// maintain does what a platform does now and then, while everybody goes on.
func (c *client) maintain(ctx context.Context) (err error) {
	call, what := c.history.call(), ""
	switch c.random.IntN(3) {
	case 0:
		what, err = "rotate the key", c.org.RotateKey(ctx, nil)
	case 1:
		what = "sweep"
		_, err = c.admin.Sweep(ctx)
	default:
		what, err = "replace a token", c.replaceToken(ctx)
	}
	in := input{kind: maintain, value: what}
	c.history.add(c.id, call, in, output{answer: c.answer(in, err)})
	return err
}

// replaceToken issues a token and revokes it, which gives the service a new key.
func (c *client) replaceToken(ctx context.Context) error {
	token, err := c.api.IssueToken(ctx)
	if err != nil {
		return err
	}
	return c.api.RevokeToken(ctx, token.ID())
}

func find(env *secrets.Environment, name secrets.Name) (string, uint64) {
	for v := range env.All() {
		if v.Secret == name {
			return v.Value.Reveal(), v.Version
		}
	}
	return "", 0
}

// answer says what an error means. One that is not of these answers, nor of a
// fault, should never be.
func (c *client) answer(in input, err error) answer {
	switch {
	case err == nil:
		return done
	case errors.Is(err, secrets.ErrUnknownOutcome):
		return unknown
	case errors.Is(err, secrets.ErrNotFound) && in.kind != read && in.kind != create && in.kind != set:
		return notFound
	case errors.Is(err, secrets.ErrExists) && in.kind == create:
		return exists
	case errors.Is(err, secrets.ErrInUse) && in.kind == remove && !in.force:
		return inUse
	case errors.Is(err, secrets.ErrLimit) && in.kind == change && c.history.begin.crowd:
		return nothing // they do not fit one commit
	case errors.Is(err, secrets.ErrConflict), errors.Is(err, secrets.ErrUnavailable), errors.Is(err, storagetest.ErrFault),
		errors.Is(err, context.Canceled):
		return nothing
	}
	c.history.surprise(fmt.Errorf("client %d: %v: %w", c.id, in, err))
	return nothing
}

// rest waits a little for a store that is away, and reports whether it is.
func (c *client) rest(err error) bool {
	away := errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storagetest.ErrFault)
	if away {
		time.Sleep(20 * time.Millisecond)
	}
	return away
}

// revive makes new handles, as a process that was started again has them.
func (c *client) revive(ctx context.Context) {
	c.store.draw(ctx, 0)
	err := c.start(ctx)
	for c.rest(err) {
		err = c.start(ctx)
	}
	if err != nil {
		c.history.surprise(err)
	}
}

func (c *client) start(ctx context.Context) error {
	admin, err := secrets.Open(c.store, c.root, &secrets.Options{Versions: keptVersions})
	if err != nil {
		return err
	}
	org, err := admin.Organization(ctx, c.name)
	if err != nil {
		return err
	}
	api, err := org.Service(ctx, "api")
	if err != nil {
		return err
	}
	session, err := secrets.Connect(ctx, c.store, c.token)
	if err != nil {
		return err
	}
	c.admin, c.org, c.api, c.session = admin, org, api, session
	return nil
}
