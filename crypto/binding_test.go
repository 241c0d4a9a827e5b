package crypto_test

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

var (
	orgID     = idOf(0xa1)
	serviceID = idOf(0xb2)
	secretID  = idOf(0xc3)
	keyID     = idOf(0xd4)
	tokenID   = idOf(0xe5)
	digest    = crypto.Digest(slices.Repeat([]byte{0xf6}, 32))
)

func idOf(b byte) crypto.ID { return crypto.ID(slices.Repeat([]byte{b}, 16)) }

var (
	organizationBinding = crypto.OrganizationBinding{
		OrganizationID: orgID, Organization: "acme", Serial: 7,
	}
	serviceKeyBinding = crypto.ServiceKeyBinding{
		OrganizationID: orgID, ServiceID: serviceID, Service: "checkout", KeyID: keyID, KeySerial: 2,
	}
	tokenKeyBinding = crypto.TokenKeyBinding{
		OrganizationID: orgID, ServiceID: serviceID, Service: "checkout", TokenID: tokenID,
	}
	tokenBinding = crypto.TokenBinding{
		OrganizationID: orgID, Organization: "acme", ServiceID: serviceID, Service: "checkout",
		TokenID: tokenID, KeyID: keyID, KeySerial: 2, Expires: 1_800_000_000_000,
	}
	valueBinding = crypto.ValueBinding{
		OrganizationID: orgID, SecretID: secretID, Secret: "db", Version: 258,
	}
	versionBinding = crypto.VersionBinding{
		OrganizationID: orgID, SecretID: secretID, Secret: "db", Version: 258,
		VersionKeyID: keyID, Digest: digest,
	}
	grantBinding = crypto.GrantBinding{
		OrganizationID: orgID, Organization: "acme", SecretID: secretID, Secret: "db", Version: 258,
		VersionKeyID: keyID, ServiceID: serviceID, Service: "checkout", ServiceKeyID: tokenID,
		Env: "DB_URL", Digest: digest,
	}
	cacheBinding = crypto.CacheBinding{
		OrganizationID: orgID, Organization: "acme", ServiceID: serviceID, Service: "checkout",
		TokenID: tokenID, KeyID: keyID,
	}
	tagBinding = crypto.TagBinding{
		Record: 3, Organization: orgID, Names: []string{"acme", "db"}, Body: []byte{0xde, 0xad},
	}
)

// Written by hand from the table of the design, a field a line.
const (
	hexLabel   = "736563726574732f7631" + "00" // secrets/v1
	hexOrg     = "00000010" + "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
	hexService = "00000010" + "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
	hexSecret  = "00000010" + "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"
	hexKey     = "00000010" + "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"
	hexToken   = "00000010" + "e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5"
	hexDigest  = "00000020" + "f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6"

	hexAcme     = "00000004" + "61636d65"
	hexCheckout = "00000008" + "636865636b6f7574"
	hexDB       = "00000002" + "6462"
	hexEnv      = "00000006" + "44425f55524c"
)

func TestAssociatedDataIsWhatTheDesignSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		got  []byte
		want string
	}{
		"1 organization": {crypto.AssociatedData(organizationBinding), hexLabel + "01" + "01" + "03" +
			hexOrg + hexAcme + "00000008" + "0000000000000007"},
		"2 service key": {crypto.AssociatedData(serviceKeyBinding), hexLabel + "02" + "01" + "05" +
			hexOrg + hexService + hexCheckout + hexKey + "00000008" + "0000000000000002"},
		"3 token key": {crypto.AssociatedData(tokenKeyBinding), hexLabel + "03" + "01" + "04" +
			hexOrg + hexService + hexCheckout + hexToken},
		"4 token": {crypto.AssociatedData(tokenBinding), hexLabel + "04" + "01" + "08" +
			hexOrg + hexAcme + hexService + hexCheckout + hexToken + hexKey + "00000008" + "0000000000000002" +
			"00000008" + "000001a3185c5000"},
		"5 value": {crypto.AssociatedData(valueBinding), hexLabel + "05" + "01" + "05" +
			hexOrg + hexSecret + hexDB + "00000008" + "0000000000000102" + "00000008" + "0000000000000001"},
		"6 version": {crypto.AssociatedData(versionBinding), hexLabel + "06" + "01" + "06" +
			hexOrg + hexSecret + hexDB + "00000008" + "0000000000000102" + hexKey + hexDigest},
		"7 grant": {crypto.AssociatedData(grantBinding), hexLabel + "07" + "01" + "0b" +
			hexOrg + hexAcme + hexSecret + hexDB + "00000008" + "0000000000000102" + hexKey +
			hexService + hexCheckout + hexToken + hexEnv + hexDigest},
		"8 tag": {crypto.AssociatedData(tagBinding), hexLabel + "08" + "01" + "05" +
			"00000001" + "03" + hexOrg + hexAcme + hexDB + "00000002" + "dead"},
		"8 tag without names or body": {crypto.AssociatedData(crypto.TagBinding{}), hexLabel + "08" + "01" + "03" +
			"00000001" + "00" + "00000010" + "00000000000000000000000000000000" + "00000000"},
		"9 cache": {crypto.AssociatedData(cacheBinding), hexLabel + "09" + "01" + "06" +
			hexOrg + hexAcme + hexService + hexCheckout + hexToken + hexKey},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, hex.EncodeToString(test.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAssociatedDataOfASessionTakesOneAllocation(t *testing.T) {
	calls := map[string]func(){
		"token": func() { crypto.AssociatedData(tokenBinding) },
		"value": func() { crypto.AssociatedData(valueBinding) },
		"grant": func() { crypto.AssociatedData(grantBinding) },
	}
	for name, call := range calls {
		// Two: the other one is the interface of AssociatedData, which only
		// tests call.
		if n := testing.AllocsPerRun(100, call); n > 2 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestMoreNamesThanTheFormatHoldsAreRefused(t *testing.T) {
	t.Parallel()
	keys := must(crypto.NewKeyset())
	fits := crypto.TagBinding{Names: make([]string, 252)}
	tag, err := keys.Tag(fits)
	if err != nil {
		t.Fatalf("252 names: %v", err)
	}
	if err := keys.VerifyTag(tag, fits); err != nil {
		t.Errorf("252 names: %v", err)
	}
	tooMany := crypto.TagBinding{Names: make([]string, 253)}
	if _, err := keys.Tag(tooMany); err == nil {
		t.Error("253 names were tagged")
	}
	if err := keys.VerifyTag(tag, tooMany); err != crypto.ErrTampered {
		t.Errorf("253 names verify with %v, want ErrTampered", err)
	}
}

// Values are drawn from few, so that the two bindings often agree in some
// fields, and hold what could be mistaken for the format's own bytes.
func TestNoTwoBindingsShareAnEncoding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, aData := drawBinding(t, "a")
		b, bData := drawBinding(t, "b")
		same := cmp.Equal(a, b, cmpopts.EquateEmpty())
		if same != (string(aData) == string(bData)) {
			t.Fatalf("%#v and %#v encode to\n%x\n%x", a, b, aData, bData)
		}
	})
}

func drawBinding(t *rapid.T, label string) (any, []byte) {
	id := func() crypto.ID { return idOf(rapid.SampledFrom([]byte{0, 1}).Draw(t, label)) }
	text := func() string {
		return rapid.SampledFrom([]string{"", "a", "aa", "a\x00\x00\x00\x01a", "\x00\x00\x00\x01"}).Draw(t, label)
	}
	number := func() uint64 { return rapid.SampledFrom([]uint64{0, 1, 1 << 56}).Draw(t, label) }
	sum := func() crypto.Digest { return crypto.DigestOf([]byte(text())) }
	switch rapid.IntRange(1, 9).Draw(t, label) {
	case 1:
		b := crypto.OrganizationBinding{OrganizationID: id(), Organization: text(), Serial: number()}
		return b, crypto.AssociatedData(b)
	case 2:
		b := crypto.ServiceKeyBinding{OrganizationID: id(), ServiceID: id(), Service: text(), KeyID: id(), KeySerial: number()}
		return b, crypto.AssociatedData(b)
	case 3:
		b := crypto.TokenKeyBinding{OrganizationID: id(), ServiceID: id(), Service: text(), TokenID: id()}
		return b, crypto.AssociatedData(b)
	case 4:
		b := crypto.TokenBinding{OrganizationID: id(), Organization: text(), ServiceID: id(), Service: text(),
			TokenID: id(), KeyID: id(), KeySerial: number(), Expires: number()}
		return b, crypto.AssociatedData(b)
	case 5:
		b := crypto.ValueBinding{OrganizationID: id(), SecretID: id(), Secret: text(), Version: number()}
		return b, crypto.AssociatedData(b)
	case 6:
		b := crypto.VersionBinding{OrganizationID: id(), SecretID: id(), Secret: text(), Version: number(),
			VersionKeyID: id(), Digest: sum()}
		return b, crypto.AssociatedData(b)
	case 7:
		b := crypto.GrantBinding{OrganizationID: id(), Organization: text(), SecretID: id(), Secret: text(),
			Version: number(), VersionKeyID: id(), ServiceID: id(), Service: text(), ServiceKeyID: id(),
			Env: text(), Digest: sum()}
		return b, crypto.AssociatedData(b)
	case 8:
		b := crypto.CacheBinding{OrganizationID: id(), Organization: text(), ServiceID: id(), Service: text(),
			TokenID: id(), KeyID: id()}
		return b, crypto.AssociatedData(b)
	default:
		names := make([]string, rapid.IntRange(0, 3).Draw(t, label))
		for i := range names {
			names[i] = text()
		}
		b := crypto.TagBinding{Record: uint8(number()), Organization: id(), Names: names, Body: []byte(text())}
		return b, crypto.AssociatedData(b)
	}
}

// A variant is a binding with one thing changed.
type variant[B any] struct {
	name    string
	binding B
}

// variants returns b with each of its fields changed in turn, by reflection,
// so that a field added later is covered.
func variants[B any](b B) []variant[B] {
	var all []variant[B]
	for i := range reflect.TypeFor[B]().NumField() {
		field := reflect.TypeFor[B]().Field(i)
		for _, value := range changes(reflect.ValueOf(b).Field(i).Interface()) {
			changed := b
			reflect.ValueOf(&changed).Elem().Field(i).Set(reflect.ValueOf(value))
			all = append(all, variant[B]{fmt.Sprintf("%s = %v", field.Name, value), changed})
		}
	}
	return all
}

func changes(v any) []any {
	switch v := v.(type) {
	case crypto.ID:
		first, last := v, v
		first[0] ^= 0x80
		last[15] ^= 0x01
		return []any{first, last, crypto.ID{}}
	case crypto.Digest:
		first, last := v, v
		first[0] ^= 0x80
		last[31] ^= 0x01
		return []any{first, last, crypto.Digest{}}
	case string:
		return []any{"", v + "x", v[1:], strings.Map(swapCase, v), v + "\x00"}
	case uint64:
		return []any{v + 1, v - 1, uint64(0), v | 1<<63}
	case uint8:
		return []any{v + 1, v ^ 0x80}
	case []string:
		return []any{[]string(nil), v[1:], append(slices.Clone(v), ""), []string{v[1], v[0]},
			[]string{v[0] + v[1]}, []string{v[0] + v[1][:1], v[1][1:]}}
	case []byte:
		return []any{[]byte(nil), v[1:], append(slices.Clone(v), 0), []byte{v[0], v[1] ^ 1}}
	}
	panic(fmt.Sprintf("a binding has a field of type %T: say how to change it", v))
}

func swapCase(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	if r >= 'A' && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
