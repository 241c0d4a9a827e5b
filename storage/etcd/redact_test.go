package etcd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/internal/etcdtest"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

func wantNoTrace(t *testing.T, err error, canary string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for _, text := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			if strings.Contains(text, canary) {
				t.Errorf("the error has it: %s", text)
			}
		}
	}
}

func TestErrorsHaveNothingThatTheServerQuotes(t *testing.T) {
	t.Parallel()
	const canary = "canary in a value"
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			f := &fake{
				txn: func(_ int64, request *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
					return nil, status.Error(code, fmt.Sprintf("cannot write %q: %v", canary, request))
				},
				watch: func(int64, etcdserverpb.Watch_WatchServer) error { return status.Error(code, canary) },
			}
			s := f.serveWithin(t, 300*time.Millisecond)
			wantNoTrace(t, s.Commit(t.Context(), create("a", canary)), canary)
			_, err := s.Get(t.Context(), "a")
			wantNoTrace(t, err, canary)
			_, err = s.Changes(t.Context())
			wantNoTrace(t, err, canary)
		})
	}
}

func TestErrorsHaveNoPasswordOfAnEndpoint(t *testing.T) {
	t.Parallel()
	const canary = "canary-in-an-endpoint"
	for _, endpoint := range []string{
		"http://user:" + canary + "@" + nowhere, "https://user:" + canary + "@" + nowhere,
		"user:" + canary + "@" + nowhere, "http://" + canary + "@nobody.invalid:1",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			client := etcdtest.Client(t, []string{endpoint}, nil)
			s := open(t, client, "/secrets/", &etcd.Options{Timeout: 300 * time.Millisecond})
			wantNoTrace(t, s.Commit(t.Context(), create("a", "1")), canary)
			_, err := s.Get(t.Context(), "a")
			wantNoTrace(t, err, canary)
			_, err = s.Changes(t.Context())
			wantNoTrace(t, err, canary)
		})
	}
}
