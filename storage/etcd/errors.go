package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/storage"
)

var errAnswer = errors.New("the server's answer does not fit what it was asked")

// fail gives err, with which a call has ended that has written nothing, the
// meaning that the contract of [storage.Store] knows.
func (s *Store) fail(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errAnswer):
		return s.named(err)
	case errors.Is(err, errMembers):
		return s.named(fmt.Errorf("%w: %w", storage.ErrUnavailable, err))
	default:
		return s.named(fmt.Errorf("%w: %s", meaningOf(err), s.describe(err)))
	}
}

// unknown is for a commit that was sent, and not answered in a way that tells.
func (s *Store) unknown(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return s.named(fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, ctx.Err()))
	}
	return s.named(fmt.Errorf("%w: %s", storage.ErrUnknownOutcome, s.describe(err)))
}

// named says which data err is about.
func (s *Store) named(err error) error {
	return fmt.Errorf("etcd: %q: %w", s.prefix, err)
}

func meaningOf(err error) error {
	switch rpctypes.Error(err) {
	case rpctypes.ErrPermissionDenied, rpctypes.ErrAuthFailed, rpctypes.ErrUserEmpty, rpctypes.ErrInvalidAuthToken:
		return fs.ErrPermission
	case rpctypes.ErrTooManyOps, rpctypes.ErrRequestTooLarge:
		return storage.ErrLimit // of this server, whose flags are below the defaults
	default:
		return storage.ErrUnavailable
	}
}

// describe says what is wrong in words that are known beforehand: messages of
// gRPC may quote anything. Why there was no connection in all the time is said
// by this side of it, and worth knowing.
func (s *Store) describe(err error) string {
	if known, ok := errors.AsType[rpctypes.EtcdError](rpctypes.Error(err)); ok {
		return known.Error()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		return fmt.Sprintf("gRPC code %v", status.Code(err))
	}
	text := fmt.Sprintf("no answer within %v", s.timeout)
	_, cause, ok := strings.Cut(status.Convert(err).Message(), "connection error: ")
	if !ok || s.hasPassword() {
		return text
	}
	return text + ": " + cause
}

// hasPassword says that an endpoint may hold one, and with it an error of
// dialing: "http://user:password@host".
func (s *Store) hasPassword() bool {
	return slices.ContainsFunc(s.client.Endpoints(), func(endpoint string) bool {
		return strings.Contains(endpoint, "@")
	})
}
