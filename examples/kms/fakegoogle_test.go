package kms_test

import (
	"context"
	"hash/crc32"
	"net"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const googleToken = "ya29.test"

// maxGooglePlaintext is the most that a software key encrypts in one request.
const maxGooglePlaintext = 64 << 10

// fakeGoogle is the part of Cloud KMS that encrypts and decrypts with symmetric
// keys, over gRPC.
type fakeGoogle struct {
	kmspb.UnimplementedKeyManagementServiceServer
	keys keys // under their resource names
	down func() bool
}

var _ kmspb.KeyManagementServiceServer = (*fakeGoogle)(nil)

func startGoogle(t *testing.T, f *fakeGoogle) (server *grpc.Server, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = grpc.NewServer(grpc.UnaryInterceptor(f.admit))
	kmspb.RegisterKeyManagementServiceServer(server, f)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return server, listener.Addr().String()
}

// admit lets in who has the token, while the service is up.
func (f *fakeGoogle) admit(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if f.down() {
		return nil, status.Error(codes.Unavailable, "the service is currently unavailable")
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	if got := sent.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+googleToken {
		return nil, status.Error(codes.Unauthenticated, "request had invalid authentication credentials")
	}
	return next(ctx, request)
}

func (f *fakeGoogle) Encrypt(_ context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	key := f.keys[r.GetName()]
	switch {
	case key == nil:
		return nil, status.Error(codes.NotFound, "CryptoKey not found")
	case len(r.GetPlaintext()) > maxGooglePlaintext:
		return nil, status.Error(codes.InvalidArgument, "plaintext is too long")
	case !arrived(r.GetPlaintext(), r.GetPlaintextCrc32C()),
		!arrived(r.GetAdditionalAuthenticatedData(), r.GetAdditionalAuthenticatedDataCrc32C()):
		return nil, status.Error(codes.InvalidArgument, "a checksum does not match")
	}
	ciphertext := key.Seal(nil, nil, r.GetPlaintext(), r.GetAdditionalAuthenticatedData())
	return &kmspb.EncryptResponse{
		Name:                    r.GetName() + "/cryptoKeyVersions/1",
		Ciphertext:              ciphertext,
		CiphertextCrc32C:        checksum(ciphertext),
		VerifiedPlaintextCrc32C: r.GetPlaintextCrc32C() != nil,
		VerifiedAdditionalAuthenticatedDataCrc32C: r.GetAdditionalAuthenticatedDataCrc32C() != nil,
		ProtectionLevel: kmspb.ProtectionLevel_SOFTWARE,
	}, nil
}

func (f *fakeGoogle) Decrypt(_ context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	key := f.keys[r.GetName()]
	switch {
	case key == nil:
		return nil, status.Error(codes.NotFound, "CryptoKey not found")
	case !arrived(r.GetCiphertext(), r.GetCiphertextCrc32C()),
		!arrived(r.GetAdditionalAuthenticatedData(), r.GetAdditionalAuthenticatedDataCrc32C()):
		return nil, status.Error(codes.InvalidArgument, "a checksum does not match")
	}
	plaintext, err := key.Open(nil, nil, r.GetCiphertext(), r.GetAdditionalAuthenticatedData())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "Decryption failed: the ciphertext is invalid.")
	}
	return &kmspb.DecryptResponse{
		Plaintext:       plaintext,
		PlaintextCrc32C: checksum(plaintext),
		UsedPrimary:     true,
		ProtectionLevel: kmspb.ProtectionLevel_SOFTWARE,
	}, nil
}

// arrived tells whether data is what was sent. A checksum may be left out.
func arrived(data []byte, sent *wrapperspb.Int64Value) bool {
	return sent == nil || sent.GetValue() == checksum(data).GetValue()
}

func checksum(data []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))))
}
