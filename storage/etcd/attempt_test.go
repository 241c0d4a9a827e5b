package etcd_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// The client would send these again: it takes them for the end of a context of
// its own. The second request would find the checks failing that the first has
// made fail.
func TestCommitIsNotSentAgainWhereTheFirstMayHaveBeenApplied(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.Unknown, codes.Internal} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			f := &fake{txn: func(n int64, _ *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
				if n == 1 {
					return nil, status.Error(code, "applied all the same")
				}
				return &etcdserverpb.TxnResponse{Succeeded: false}, nil
			}}
			wantError(t, f.serve(t).Commit(t.Context(), create("a", "1")), storage.ErrUnknownOutcome)
			if n := f.txns.Load(); n != 1 {
				t.Errorf("the server was sent %d transactions, want 1", n)
			}
		})
	}
}

// gRPC repeats what a service configuration tells it to.
func TestCommitIsNotSentAgainByAPolicyOfTheConnection(t *testing.T) {
	t.Parallel()
	const policy = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s",
		"maxBackoff": "0.01s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`
	f := &fake{txn: func(int64, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
		return nil, status.Error(codes.Unavailable, "applied all the same")
	}}
	client := etcdtest.Client(t, []string{f.start(t)}, func(c *clientv3.Config) {
		c.DialOptions = []grpc.DialOption{grpc.WithDisableServiceConfig(), grpc.WithDefaultServiceConfig(policy)}
	})
	wantError(t, open(t, client, "/secrets/", nil).Commit(t.Context(), create("a", "1")), storage.ErrUnknownOutcome)
	if n := f.txns.Load(); n != 1 {
		t.Errorf("the server was sent %d transactions, want 1", n)
	}
}

func TestCommitIsSentAgainWithAFreshToken(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{rpctypes.ErrGRPCInvalidAuthToken, rpctypes.ErrGRPCAuthOldRevision, rpctypes.ErrGRPCUserEmpty} {
		t.Run(rpctypes.ErrorDesc(refusal), func(t *testing.T) {
			t.Parallel()
			f := &fake{txn: func(n int64, _ *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
				if n == 1 {
					return nil, refusal
				}
				return &etcdserverpb.TxnResponse{Succeeded: true}, nil
			}}
			if err := f.serve(t).Commit(t.Context(), create("a", "1")); err != nil {
				t.Error(err)
			}
			if n := f.txns.Load(); n != 2 {
				t.Errorf("the server was sent %d transactions, want 2", n)
			}
		})
	}
}

func TestAnswersOfTheServerTellWhetherABatchWasApplied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer error
		want   error
	}{
		{rpctypes.ErrGRPCPermissionDenied, fs.ErrPermission},
		{rpctypes.ErrGRPCTooManyOps, storage.ErrLimit},
		{rpctypes.ErrGRPCRequestTooLarge, storage.ErrLimit},
		{rpctypes.ErrGRPCRequestTooManyRequests, storage.ErrUnavailable},
		{rpctypes.ErrGRPCNoLeader, storage.ErrUnavailable},
		{rpctypes.ErrGRPCNotCapable, storage.ErrUnavailable},
		{rpctypes.ErrGRPCNotSupportedForLearner, storage.ErrUnavailable},
		{rpctypes.ErrGRPCNoSpace, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCTimeout, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCTimeoutDueToLeaderFail, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCTimeoutDueToConnectionLost, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCLeaderChanged, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCStopped, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCUnhealthy, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCCorrupt, storage.ErrUnknownOutcome},
		{rpctypes.ErrGRPCCanceled, storage.ErrUnknownOutcome},
		{status.Error(codes.ResourceExhausted, "of something"), storage.ErrUnknownOutcome},
		{status.Error(codes.PermissionDenied, "said by a proxy"), storage.ErrUnknownOutcome},
	} {
		t.Run(rpctypes.ErrorDesc(test.answer), func(t *testing.T) {
			t.Parallel()
			f := &fake{txn: func(int64, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) { return nil, test.answer }}
			s := f.serve(t)
			err := s.Commit(t.Context(), create("a", "1"))
			wantError(t, err, test.want)
			if test.want != storage.ErrUnknownOutcome && errors.Is(err, storage.ErrUnknownOutcome) {
				t.Errorf("got %v, but it is certain that nothing was applied", err)
			}
			checks := storage.Batch{Checks: []storage.Check{{Key: "a"}}}
			if err := s.Commit(t.Context(), checks); err == nil || errors.Is(err, storage.ErrUnknownOutcome) {
				t.Errorf("a batch that writes nothing: got %v", err)
			}
		})
	}
}

func TestAnswersThatDoNotFitAreErrors(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*etcdserverpb.TxnResponse{
		"none":             {Succeeded: true},
		"two":              {Succeeded: true, Responses: []*etcdserverpb.ResponseOp{found("/secrets/a", 1), found("/secrets/a", 1)}},
		"another key":      {Succeeded: true, Responses: []*etcdserverpb.ResponseOp{found("/secrets/b", 1)}},
		"another prefix":   {Succeeded: true, Responses: []*etcdserverpb.ResponseOp{found("/s", 1)}},
		"revision 0":       {Succeeded: true, Responses: []*etcdserverpb.ResponseOp{found("/secrets/a", 0)}},
		"negative version": {Succeeded: true, Responses: []*etcdserverpb.ResponseOp{found("/secrets/a", -1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{txn: func(int64, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) { return answer, nil }}
			entries, err := f.serve(t).Get(t.Context(), "a")
			if err == nil || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("got %v, %v", entries, err)
			}
		})
	}
}

func TestContextThatEndsShortlyBeforeTheAnswerLeavesTheOutcomeKnown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		succeeded bool
		want      error
	}{"applied": {true, nil}, "conflict": {false, storage.ErrConflict}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			f := &fake{txn: func(int64, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
				cancel()
				time.Sleep(30 * time.Millisecond) // the context is known to have ended on the other side
				return &etcdserverpb.TxnResponse{Succeeded: test.succeeded}, nil
			}}
			wantError(t, f.serve(t).Commit(ctx, create("a", "1")), test.want)
		})
	}
}
