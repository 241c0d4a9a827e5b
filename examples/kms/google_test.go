package kms_test

import (
	"context"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// googleRoot makes a root of a symmetric key of Cloud KMS, such as
// projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k, without a version.
// With no options the client takes the credentials of its environment. It stays
// open as long as the program runs.
//
// While Cloud KMS is away the client tries again for a minute, so that it is
// the patience of outages that ends a call.
func googleRoot(ctx context.Context, key string, patience time.Duration, opts ...option.ClientOption) (crypto.Root, error) {
	aead, err := gcpkms.GetAEADWithContext(ctx, "gcp-kms://"+key, gcpkms.WithGoogleAPIClientOptions(opts...))
	if err != nil {
		return nil, err
	}
	return outages{Root: crypto.FromTinkWithContext(aead), isOutage: isGoogleOutage, patience: patience}, nil
}

func isGoogleOutage(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Internal:
		return true
	default:
		return false
	}
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	testRoots(t, newGoogle)
}

func newGoogle(t *testing.T) *service {
	t.Helper()
	s := &service{}
	server, address := startGoogle(t, &fakeGoogle{keys: newKeys(t, googleKey("first"), googleKey("second")), down: s.down.Load})
	s.away = server.Stop
	s.root = func(t *testing.T, key string) crypto.Root {
		t.Helper()
		return newGoogleRoot(t, address, googleToken, key)
	}
	s.stranger = func(t *testing.T) crypto.Root {
		t.Helper()
		return newGoogleRoot(t, address, "ya29.other", "first")
	}
	return s
}

func googleKey(key string) string {
	return "projects/test/locations/europe-west3/keyRings/secrets/cryptoKeys/" + key
}

func newGoogleRoot(t *testing.T, address, token, key string) crypto.Root {
	t.Helper()
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(bearer(token)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
	})
	root, err := googleRoot(t.Context(), googleKey(key), 2*time.Second, option.WithGRPCConn(connection))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// bearer sends the token over a connection without TLS, as the credentials of
// the client library would over one with it.
func bearer(token string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, request, reply, c, opts...)
	}
}
