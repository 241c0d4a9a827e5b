package secrets_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets/storage"
)

// bombs are bodies of records that claim much, or make a decoder that believes
// them build much. The largest has nearly as many bytes as an entry may.
func bombs() map[string][]byte {
	const many = 131_072 // elements that the decoder takes in one array
	id := append([]byte{0x50}, make([]byte, 16)...)
	array := func(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0x9a}, n) }
	field := func(number byte, value ...[]byte) []byte {
		return slices.Concat([]byte{0xa3, 1}, id, []byte{2, 0x61, 'A', number}, slices.Concat(value...))
	}
	record := func(number byte, value ...[]byte) []byte {
		return slices.Concat([]byte{0xa3, 1}, id, []byte{2, 1, number}, slices.Concat(value...))
	}
	return map[string][]byte{
		"wraps, empty":             field(3, array(many), bytes.Repeat([]byte{0x80}, many)),
		"wraps, short":             field(3, array(many), bytes.Repeat([]byte{0x83, 0x40, 0x40, 0x40}, many)),
		"wraps, null":              field(3, array(many), bytes.Repeat([]byte{0xf6}, many)),
		"wraps, not there":         field(3, array(0xffff_ffff)),
		"recent keys, empty":       record(6, array(many), bytes.Repeat([]byte{0x40}, many)),
		"recent keys, null":        record(6, array(many), bytes.Repeat([]byte{0xf6}, many)),
		"recent keys, a million":   record(6, array(1_000_000), bytes.Repeat([]byte{0xf6}, 1_000_000)),
		"recent keys, not there":   record(6, array(0xffff_ffff)),
		"recent keys, of numbers":  record(6, array(many), bytes.Repeat([]byte{0x81, 0x01}, many)),
		"tokens, null":             record(7, array(many), bytes.Repeat([]byte{0xf6}, many)),
		"a string not there":       {0xa1, 8, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"nested arrays":            bytes.Repeat([]byte{0x81}, 1<<16),
		"nested maps":              bytes.Repeat([]byte{0xa1, 1}, 1<<16),
		"a map of one key":         append([]byte{0xba, 0, 1, 0, 0}, bytes.Repeat([]byte{0x19, 1, 1, 0}, 1<<16)...),
		"indefinite map":           {0xbf, 0xff},
		"indefinite array":         append([]byte{0x9f}, bytes.Repeat([]byte{0x80}, 1<<16)...),
		"tags":                     bytes.Repeat([]byte{0xc1}, 100_000),
		"a large number for a key": {0xa1, 0xc2, 0x41, 1, 0},
		"a text for a key":         slices.Concat([]byte{0xa1, 0x61, '1'}, id),
		"a fraction for a key":     slices.Concat([]byte{0xa1, 0xf9, 0x3c, 0}, id),
	}
}

// TestCVE20256203RecordsThatClaimMuchCostLittle is not parallel: what is allocated is
// counted for the whole process.
func TestCVE20256203RecordsThatClaimMuchCostLittle(t *testing.T) {
	const most = 32 << 20 // for a dozen calls that read an entry of up to 1 MiB
	f := newFixture(t)
	f.give(t, "a", "one")
	token := f.token(t)
	truth := f.answers(t, token)
	for what, body := range bombs() {
		// Those that are read before, or without, a look at their tag.
		for _, key := range []string{"orgs/acme", "org/acme/secret/a", "org/acme/env/api/a", "org/acme/token/api/" + token.ID()} {
			e := stored(t, f.store, key)
			restore(t, f.store, []storage.Entry{{Key: e.Key, Value: append([]byte{1, 0}, body...)}})
			fresh := *f
			fresh.client = f.open(t, f.store)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			answers := fresh.answers(t, token)
			runtime.ReadMemStats(&after)
			if cost := after.TotalAlloc - before.TotalAlloc; cost > most {
				t.Errorf("%s in %s: %d KiB for %d bytes", what, e.Key, cost>>10, len(body))
			}
			for about, got := range answers {
				if got != truth[about] && got != answerRefused && got != answerGone {
					t.Errorf("%s in %s: %s: %s", what, e.Key, about, got)
				}
			}
			restore(t, f.store, []storage.Entry{e})
		}
	}
	if got := f.answers(t, token); got["environment of the session"] != truth["environment of the session"] {
		t.Errorf("afterwards: %s", got["environment of the session"])
	}
}
