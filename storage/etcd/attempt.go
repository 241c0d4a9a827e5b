package etcd

import (
	"context"
	"errors"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// An attempt sends one request at most once, and knows whether it was sent.
//
// The client repeats requests of its own accord: always where the server says
// that the token has expired, and also where a server or a proxy answers
// Canceled or DeadlineExceeded while the context goes on. In the second case
// the first request may have been applied. The repeated one would fail its own
// checks then, and report a conflict for what was written.
//
// gRPC asks for the credentials of a call right before it writes the request to
// a connection, each time that it does. That is where an attempt counts; it
// adds no credentials.
type attempt struct {
	ctx context.Context // nothing is sent after its end

	mu   sync.Mutex
	sent bool // and not refused by the server
	over bool // the first answer was no refusal: not to be sent again
}

var errSent = errors.New("not to be sent a second time")

// options are those of the call. Without a buffer gRPC repeats nothing that it
// has written.
func (a *attempt) options() []grpc.CallOption {
	return []grpc.CallOption{
		grpc.WaitForReady(true),
		grpc.MaxRetryRPCBufferSize(0),
		grpc.PerRPCCredentials(a),
		grpc.OnFinish(a.answered),
	}
}

// GetRequestMetadata implements [google.golang.org/grpc/credentials.PerRPCCredentials].
func (a *attempt) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil, errSent
	}
	if err := a.ctx.Err(); err != nil {
		return nil, err
	}
	a.sent = true
	return nil, nil
}

// RequireTransportSecurity implements [google.golang.org/grpc/credentials.PerRPCCredentials].
func (a *attempt) RequireTransportSecurity() bool { return false }

func (a *attempt) answered(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if refused(err) {
		a.sent = false
	}
	a.over = a.over || a.sent
}

// mayBeApplied is asked when the call has failed.
func (a *attempt) mayBeApplied() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// refused says that a server answered with this instead of applying the
// request. Out of space is not among them: etcd says so as well of the commit
// that it has applied with the last of the space. Nor is anything that is
// about time, leaders or connections lost on the way.
func refused(err error) bool {
	switch rpctypes.Error(err) {
	case rpctypes.ErrTooManyOps, rpctypes.ErrRequestTooLarge, rpctypes.ErrDuplicateKey, // malformed
		rpctypes.ErrPermissionDenied, rpctypes.ErrInvalidAuthToken, rpctypes.ErrUserEmpty, rpctypes.ErrAuthOldRevision,
		rpctypes.ErrTooManyRequests, rpctypes.ErrNoLeader, rpctypes.ErrNotCapable, // asked before it is proposed
		rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner):
		return true
	}
	return false
}
