package crypto_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// The decoder below is written from the drawing of the format alone. What it
// reads back must be the fields that went in, in the order of the table; an
// encoding that can be read back is injective.
func FuzzAssociatedData(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind byte, ids []byte, org, service, secret, env string, number uint64, body []byte) {
		kind = kind%9 + 1
		got, want := fuzzedBinding(kind, ids, org, service, secret, env, number, body)
		gotKind, fields := decode(t, got)
		if gotKind != kind {
			t.Errorf("kind %d was encoded as %d", kind, gotKind)
		}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("kind %d (-want +got):\n%s", kind, diff)
		}
	})
}

func TestFuzzCorpusIsNotEmpty(t *testing.T) {
	t.Parallel()
	seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", "FuzzAssociatedData", "*"))
	if err != nil || len(seeds) < 8 {
		t.Fatalf("%d seeds, %v; want one a kind", len(seeds), err)
	}
	for _, seed := range seeds {
		if info, err := os.Stat(seed); err != nil || info.Size() == 0 {
			t.Errorf("%s: empty, %v", seed, err)
		}
	}
}

// fuzzedBinding returns the encoding of a binding of the kind and the fields
// that it must hold.
func fuzzedBinding(kind byte, ids []byte, org, service, secret, env string, number uint64, body []byte) ([]byte, []string) {
	var id [5]crypto.ID
	for i := range id {
		ids = ids[copy(id[i][:], ids):]
	}
	text := func(id crypto.ID) string { return string(id[:]) }
	digest := crypto.DigestOf(body)
	n := string(binary.BigEndian.AppendUint64(nil, number))
	switch kind {
	case 1:
		return crypto.AssociatedData(crypto.OrganizationBinding{OrganizationID: id[0], Organization: org, Serial: number}),
			[]string{text(id[0]), org, n}
	case 2:
		return crypto.AssociatedData(crypto.ServiceKeyBinding{OrganizationID: id[0], ServiceID: id[1], Service: service,
			KeyID: id[2], KeySerial: number}), []string{text(id[0]), text(id[1]), service, text(id[2]), n}
	case 3:
		return crypto.AssociatedData(crypto.TokenKeyBinding{OrganizationID: id[0], ServiceID: id[1], Service: service,
			TokenID: id[2]}), []string{text(id[0]), text(id[1]), service, text(id[2])}
	case 4:
		return crypto.AssociatedData(crypto.TokenBinding{OrganizationID: id[0], Organization: org, ServiceID: id[1],
				Service: service, TokenID: id[2], KeyID: id[3], KeySerial: number, Expires: ^number}),
			[]string{text(id[0]), org, text(id[1]), service, text(id[2]), text(id[3]), n,
				string(binary.BigEndian.AppendUint64(nil, ^number))}
	case 5:
		return crypto.AssociatedData(crypto.ValueBinding{OrganizationID: id[0], SecretID: id[1], Secret: secret,
			Version: number}), []string{text(id[0]), text(id[1]), secret, n, "\x00\x00\x00\x00\x00\x00\x00\x01"}
	case 6:
		return crypto.AssociatedData(crypto.VersionBinding{OrganizationID: id[0], SecretID: id[1], Secret: secret,
				Version: number, VersionKeyID: id[2], Digest: digest}),
			[]string{text(id[0]), text(id[1]), secret, n, text(id[2]), string(digest[:])}
	case 7:
		return crypto.AssociatedData(crypto.GrantBinding{OrganizationID: id[0], Organization: org, SecretID: id[1],
				Secret: secret, Version: number, VersionKeyID: id[2], ServiceID: id[3], Service: service,
				ServiceKeyID: id[4], Env: env, Digest: digest}),
			[]string{text(id[0]), org, text(id[1]), secret, n, text(id[2]), text(id[3]), service, text(id[4]), env, string(digest[:])}
	case 9:
		return crypto.AssociatedData(crypto.CacheBinding{OrganizationID: id[0], Organization: org, ServiceID: id[1],
				Service: service, TokenID: id[2], KeyID: id[3]}),
			[]string{text(id[0]), org, text(id[1]), service, text(id[2]), text(id[3])}
	default:
		return crypto.AssociatedData(crypto.TagBinding{Record: uint8(number), Organization: id[0],
				Names: []string{org, secret}, Body: body}),
			[]string{string([]byte{uint8(number)}), text(id[0]), org, secret, string(body)}
	}
}

func decode(t *testing.T, data []byte) (kind byte, fields []string) {
	t.Helper()
	const header = 11 + 3
	if len(data) < header || string(data[:11]) != "secrets/v1\x00" || data[12] != 1 {
		t.Fatalf("header of %x", data)
	}
	kind, count, rest := data[11], int(data[13]), data[header:]
	for range count {
		if len(rest) < 4 {
			t.Fatalf("a length is cut off: %x", data)
		}
		n := int(binary.BigEndian.Uint32(rest))
		if len(rest)-4 < n {
			t.Fatalf("a field is cut off: %x", data)
		}
		fields = append(fields, string(rest[4:4+n]))
		rest = rest[4+n:]
	}
	if len(rest) != 0 {
		t.Fatalf("trailing bytes: %x", rest)
	}
	return kind, fields
}
