package secrets

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
)

// This file is inside the package, since nothing outside sees a storage key.

// A place is what a storage key stands for. What a kind does not have is empty.
type place struct {
	kind          string
	org           Name
	service, last string
}

// FuzzStorageKeys encodes two places. The reader below is written from the
// comments of the records alone; a key that it reads back belongs to one place.
func FuzzStorageKeys(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind, otherKind byte, org, service, last, otherOrg, otherService, otherLast string) {
		one := placeOf(kind, org, service, last)
		other := placeOf(otherKind, otherOrg, otherService, otherLast)
		for _, p := range []place{one, other} {
			key := p.key()
			if read := readKey(key); read != p {
				t.Errorf("%+v is stored under %q, which is %+v", p, key, read)
			}
			if len(key) > storage.MaxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%+v is stored under %q, which no store takes", p, key)
			}
		}
		if listed, want := strings.HasPrefix(one.key(), other.listing()), one.isListedWith(other); listed != want {
			t.Errorf("%q is listed under %q: %t, want %t", one.key(), other.listing(), listed, want)
		}
		if within := strings.HasPrefix(one.key(), organizationPrefix(other.org)); within != (one.kind != "orgs" && one.org == other.org) {
			t.Errorf("%q is among what belongs to %q: %t", one.key(), other.org, within)
		}
	})
}

// placeOf returns the place of any kind and any strings. Strings that are names
// and variables stay as they are.
func placeOf(kind byte, org, service, last string) place {
	p := place{org: validName(org), service: string(validName(service)), last: string(validName(last))}
	switch kind % 7 {
	case 0:
		return place{kind: "orgs", org: p.org}
	case 1:
		p.kind, p.service = "secret", ""
	case 2:
		p.kind, p.service = "access", ""
	case 3:
		p.kind, p.service = "service", ""
	case 4:
		var id crypto.ID
		copy(id[:], last)
		p.kind, p.last = "token", id.String()
	case 5:
		p.kind = "env"
	default:
		p.kind, p.last = "var", strings.ToUpper(validEnv(last)) // two cases are one variable
	}
	return p
}

func (p place) key() string {
	service, last := Name(p.service), Name(p.last)
	switch p.kind {
	case "orgs":
		return organizationKey(p.org)
	case "secret":
		return secretKey(p.org, last)
	case "access":
		return accessKey(p.org, last)
	case "service":
		return serviceKey(p.org, last)
	case "token":
		id, _ := crypto.ParseID(p.last) // placeOf has made it of one
		return tokenKey(p.org, service, id)
	case "env":
		return rowKey(p.org, service, last)
	default:
		return variableKey(p.org, service, strings.ToLower(p.last))
	}
}

// listing returns the prefix under which the place is listed. Those of tokens
// and variables are never listed, so that a prefix of theirs stands in.
func (p place) listing() string {
	switch p.kind {
	case "orgs":
		return organizationsPrefix
	case "secret":
		return secretPrefix(p.org)
	case "access":
		return accessPrefix(p.org)
	case "service":
		return servicePrefix(p.org)
	case "env":
		return rowPrefix(p.org, Name(p.service))
	default:
		return strings.TrimSuffix(p.key(), p.last)
	}
}

func (p place) isListedWith(other place) bool {
	if p.kind == "orgs" || other.kind == "orgs" {
		return p.kind == other.kind
	}
	return p.kind == other.kind && p.org == other.org && p.service == other.service
}

// readKey reads orgs/ORG, org/ORG/KIND/LAST and org/ORG/KIND/SERVICE/LAST.
func readKey(key string) place {
	switch parts := strings.Split(key, "/"); {
	case len(parts) == 2 && parts[0] == "orgs":
		return place{kind: "orgs", org: Name(parts[1])}
	case len(parts) == 4 && parts[0] == "org":
		return place{kind: parts[2], org: Name(parts[1]), last: parts[3]}
	case len(parts) == 5 && parts[0] == "org":
		return place{kind: parts[2], org: Name(parts[1]), service: parts[3], last: parts[4]}
	}
	return place{}
}

// validName returns a name that is s, if s is one, and looks like it otherwise.
func validName(s string) Name {
	b := fit(s, maxName, "abcdefghijklmnopqrstuvwxyz0123456789-")
	for _, end := range []int{0, len(b) - 1} {
		if b[end] == '-' {
			b[end] = 'a'
		}
	}
	return Name(b)
}

// validEnv does the same for a variable.
func validEnv(s string) string {
	b := fit(s, maxEnv, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")
	if '0' <= b[0] && b[0] <= '9' {
		b[0] = '_'
	}
	return string(b)
}

// fit returns 1 to limit bytes of the alphabet: those of s that are in it, and
// others for the rest.
func fit(s string, limit int, alphabet string) []byte {
	b := []byte(s[:min(limit, len(s))])
	for i, c := range b {
		if strings.IndexByte(alphabet, c) < 0 {
			b[i] = alphabet[int(c)%len(alphabet)]
		}
	}
	if len(b) == 0 {
		return []byte{alphabet[0]}
	}
	return b
}
