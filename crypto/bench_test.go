package crypto_test

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// What an app does at its start once the rows are read: the service key by the
// token, then 50 version keys and 50 values of 64 bytes.
func BenchmarkSessionOf50(b *testing.B) {
	token := must(crypto.NewTokenKey())
	service := must(crypto.NewServiceKey())
	wrappedService := must(token.WrapServiceKey(service, tokenBinding))
	version := must(crypto.NewVersionKey())
	ciphertext := must(version.Encrypt(make([]byte, 64), valueBinding))
	grant := grantBinding
	grant.Digest = crypto.DigestOf(ciphertext)
	wrapped := must(service.WrapVersionKey(version, grant))

	b.ReportAllocs()
	for b.Loop() {
		service := must(token.UnwrapServiceKey(wrappedService, tokenBinding))
		for range 50 {
			grant := grantBinding
			grant.Digest = crypto.DigestOf(ciphertext)
			version := must(service.UnwrapVersionKey(wrapped, grant))
			must(version.Decrypt(ciphertext, valueBinding))
		}
	}
}

// What an update does for 100 grantees, their service keys being cached.
func BenchmarkUpdateFor100Grantees(b *testing.B) {
	keys := must(crypto.NewKeyset())
	service := must(crypto.NewServiceKey())
	value := make([]byte, 64)

	b.ReportAllocs()
	for b.Loop() {
		version := must(crypto.NewVersionKey())
		must(version.Encrypt(value, valueBinding))
		must(keys.WrapVersionKey(version, versionBinding))
		for range 100 {
			must(service.WrapVersionKey(version, grantBinding))
		}
		must(keys.Tag(tagBinding))
	}
}

func BenchmarkUnwrapServiceKey(b *testing.B) {
	keys := must(crypto.NewKeyset())
	wrapped := must(keys.WrapServiceKey(must(crypto.NewServiceKey()), serviceKeyBinding))
	b.ReportAllocs()
	for b.Loop() {
		must(keys.UnwrapServiceKey(wrapped, serviceKeyBinding))
	}
}

func BenchmarkUnwrapVersionKey(b *testing.B) {
	service := must(crypto.NewServiceKey())
	wrapped := must(service.WrapVersionKey(must(crypto.NewVersionKey()), grantBinding))
	b.ReportAllocs()
	for b.Loop() {
		must(service.UnwrapVersionKey(wrapped, grantBinding))
	}
}

func BenchmarkDecrypt(b *testing.B) {
	for name, size := range map[string]int{"64B": 64, "64KiB": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			key := must(crypto.NewVersionKey())
			ciphertext := must(key.Encrypt(make([]byte, size), valueBinding))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				must(key.Decrypt(ciphertext, valueBinding))
			}
		})
	}
}

func BenchmarkVerifyTag(b *testing.B) {
	keys := must(crypto.NewKeyset())
	record := crypto.TagBinding{Names: []string{"acme", "database-url"}, Body: make([]byte, 1024)}
	tag := must(keys.Tag(record))
	b.ReportAllocs()
	for b.Loop() {
		if err := keys.VerifyTag(tag, record); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnwrapKeyset(b *testing.B) {
	root := newRoot(b)
	wrapped := must(must(crypto.NewKeyset()).Wrap(b.Context(), root, organizationBinding))
	b.ReportAllocs()
	for b.Loop() {
		must(crypto.UnwrapKeyset(b.Context(), root, wrapped, organizationBinding))
	}
}
