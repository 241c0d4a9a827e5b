package crypto_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

func TestAnIDIsReadBackFromItsText(t *testing.T) {
	t.Parallel()
	seen := map[crypto.ID]bool{}
	for range 100 {
		id := crypto.NewID()
		if id.IsZero() || seen[id] {
			t.Fatalf("%v is zero or came twice", id)
		}
		seen[id] = true
		if got, err := crypto.ParseID(id.String()); err != nil || got != id {
			t.Errorf("%v is read back as %v, %v", id, got, err)
		}
	}
	if got := idOf(0x0a).String(); got != "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a" {
		t.Errorf("text is %s", got)
	}
	if !(crypto.ID{}).IsZero() || idOf(1).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestAnIDHasOneSpelling(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("0a", 16)
	bad := []string{
		"", "0", good[1:], good[2:], good + "0", good + "00", strings.ToUpper(good), " " + good[1:], good[1:] + " ",
		good[1:] + "\n", "0x" + good[2:], good[1:] + "g", "-" + good[1:], good[:8] + "-" + good[9:],
		strings.Repeat("é", 16), strings.Repeat("\x00", 32), "{" + good[2:] + "}",
	}
	for _, s := range bad {
		if id, err := crypto.ParseID(s); err == nil || !id.IsZero() {
			t.Errorf("%q is read as %v, %v", s, id, err)
		} else if s != "" && strings.Contains(err.Error(), s) && len(s) > 4 {
			t.Errorf("the error quotes %q", s)
		}
	}
	if _, err := crypto.ParseID(good); err != nil {
		t.Errorf("%s: %v", good, err)
	}
}

func TestAnIDHas16Bytes(t *testing.T) {
	t.Parallel()
	whole := idOf(7)
	var id crypto.ID
	if err := id.UnmarshalBinary(whole[:]); err != nil || id != whole {
		t.Errorf("%v is read back as %v, %v", whole, id, err)
	}
	for _, other := range [][]byte{nil, {}, whole[:15], append(whole[:], 0)} {
		id := whole
		if err := id.UnmarshalBinary(other); err == nil || id != whole {
			t.Errorf("%d bytes are read as %v, %v", len(other), id, err)
		}
	}
}

func TestADigestIsSHA256(t *testing.T) {
	t.Parallel()
	// FIPS 180-4, "abc".
	want := crypto.Digest{
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	}
	if got := crypto.DigestOf([]byte("abc")); got != want {
		t.Errorf("got %x", got)
	}
}
