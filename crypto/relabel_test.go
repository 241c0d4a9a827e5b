package crypto_test

import (
	"crypto/aes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// The attack that the digest in every wrap is there for. A grantee holds the
// version key, hence the GHASH key of the value's GCM. GHASH is linear in the
// associated data, so he solves for a secret id under which the very same
// ciphertext and tag are authentic as another name and version.
func TestAGranteeCanRelabelAValueButNoWrap(t *testing.T) {
	t.Parallel()
	versionRaw := slices.Repeat([]byte{0x4a}, 32)
	version := versionKeyWith(t, versionRaw)
	victim, organization := must(crypto.NewServiceKey()), must(crypto.NewKeyset())

	ciphertext := must(version.Encrypt([]byte("attacker's choice"), valueBinding))
	digest := crypto.DigestOf(ciphertext)
	granted, kept := grantBinding, versionBinding
	granted.Digest, kept.Digest = digest, digest
	grant := must(victim.WrapVersionKey(version, granted))
	wrap := must(organization.WrapVersionKey(version, kept))

	forged := relabel(t, versionRaw, ciphertext, valueBinding, "payment-database-url")
	if forged.SecretID == valueBinding.SecretID || forged.Secret == valueBinding.Secret || forged.Version == valueBinding.Version {
		t.Fatalf("nothing was relabelled: %+v", forged)
	}
	// This is why a ValueBinding protects against nobody who holds the key.
	if _, err := version.Decrypt(ciphertext, forged); err != nil {
		t.Fatalf("the forged binding does not open: %v", err)
	}

	// And this is why it need not: without the victim's key, no wrap for the
	// forged coordinates can be made, and the ones there are do not open.
	granted.SecretID, granted.Secret, granted.Version = forged.SecretID, forged.Secret, forged.Version
	if _, err := victim.UnwrapVersionKey(grant, granted); err != crypto.ErrTampered {
		t.Errorf("the grant opens as relabelled: %v", err)
	}
	kept.SecretID, kept.Secret, kept.Version = forged.SecretID, forged.Secret, forged.Version
	if _, err := organization.UnwrapVersionKey(wrap, kept); err != crypto.ErrTampered {
		t.Errorf("the organization's wrap opens as relabelled: %v", err)
	}
}

// The other half: the holder of a version key can make a second ciphertext
// that opens under the true ValueBinding. The digest in the wrap refuses it.
func TestCVE20208897AGranteeCanReplaceACiphertextButNotItsDigest(t *testing.T) {
	t.Parallel()
	version, victim := must(crypto.NewVersionKey()), must(crypto.NewServiceKey())
	original := must(version.Encrypt([]byte("true"), valueBinding))
	replaced := must(version.Encrypt([]byte("evil"), valueBinding))
	if _, err := version.Decrypt(replaced, valueBinding); err != nil {
		t.Fatalf("the replaced ciphertext does not open: %v", err)
	}
	binding := grantBinding
	binding.Digest = crypto.DigestOf(original)
	grant := must(victim.WrapVersionKey(version, binding))
	binding.Digest = crypto.DigestOf(replaced)
	if _, err := victim.UnwrapVersionKey(grant, binding); err != crypto.ErrTampered {
		t.Errorf("the grant opens for the replaced ciphertext: %v", err)
	}
}

// relabel finds a binding for name, other than b, under which ciphertext is
// authentic. Not every version has one; versions are the attacker's choice.
func relabel(t *testing.T, key []byte, ciphertext []byte, b crypto.ValueBinding, name string) crypto.ValueBinding {
	t.Helper()
	h := hashKey(key)
	body := ciphertext[12 : len(ciphertext)-16]
	want := ghash(h, crypto.AssociatedData(b), body)
	for version := uint64(1); version < 64; version++ {
		forged := crypto.ValueBinding{OrganizationID: b.OrganizationID, Secret: name, Version: version}
		constant := ghash(h, crypto.AssociatedData(forged), body)
		// What each bit of the id adds to the hash; a sum of these must
		// make up the difference.
		var columns [128]block
		for bit := range columns {
			unit := forged
			unit.SecretID[bit/8] = 0x80 >> (bit % 8)
			columns[bit] = ghash(h, crypto.AssociatedData(unit), body).xor(constant)
		}
		if bits, ok := solve(columns, want.xor(constant)); ok {
			binary.BigEndian.PutUint64(forged.SecretID[:8], bits.hi)
			binary.BigEndian.PutUint64(forged.SecretID[8:], bits.lo)
			return forged
		}
	}
	t.Fatal("no version below 64 has a solution")
	return crypto.ValueBinding{}
}

// A block is an element of GF(2^128) as GCM writes it: the highest bit of the
// first byte is the coefficient of x^0.
type block struct{ hi, lo uint64 }

func (a block) xor(b block) block { return block{a.hi ^ b.hi, a.lo ^ b.lo} }

func (a block) bit(i int) uint64 {
	if i < 64 {
		return a.hi >> (63 - i) & 1
	}
	return a.lo >> (127 - i) & 1
}

func (a block) withBit(i int) block {
	if i < 64 {
		return block{a.hi | 1<<(63-i), a.lo}
	}
	return block{a.hi, a.lo | 1<<(127-i)}
}

// mul multiplies modulo x^128 + x^7 + x^2 + x + 1.
func (a block) mul(b block) block {
	var product block
	for i := range 128 {
		if a.bit(i) == 1 {
			product = product.xor(b)
		}
		carry := b.lo & 1
		b = block{b.hi >> 1, b.lo>>1 | b.hi<<63}
		b.hi ^= carry * (0xe1 << 56)
	}
	return product
}

func hashKey(key []byte) block {
	zero := make([]byte, 16)
	must(aes.NewCipher(key)).Encrypt(zero, zero)
	return block{binary.BigEndian.Uint64(zero), binary.BigEndian.Uint64(zero[8:])}
}

func ghash(h block, associatedData, ciphertext []byte) block {
	var sum block
	absorb := func(data []byte) {
		for part := range slices.Chunk(data, 16) {
			var padded [16]byte
			copy(padded[:], part)
			sum = sum.xor(block{binary.BigEndian.Uint64(padded[:]), binary.BigEndian.Uint64(padded[8:])}).mul(h)
		}
	}
	absorb(associatedData)
	absorb(ciphertext)
	return sum.xor(block{uint64(len(associatedData)) * 8, uint64(len(ciphertext)) * 8}).mul(h)
}

// solve returns the set of columns, as bits, whose sum is target, by Gaussian
// elimination over GF(2).
func solve(columns [128]block, target block) (block, bool) {
	var members [128]block // which of the original columns each one sums up
	for i := range members {
		members[i] = members[i].withBit(i)
	}
	var chosen block
	used := 0
	for row := range 128 {
		pivot := slices.IndexFunc(columns[used:], func(c block) bool { return c.bit(row) == 1 })
		if pivot < 0 {
			if target.bit(row) == 1 {
				return block{}, false
			}
			continue
		}
		pivot += used
		columns[used], columns[pivot] = columns[pivot], columns[used]
		members[used], members[pivot] = members[pivot], members[used]
		for i := used + 1; i < 128; i++ {
			if columns[i].bit(row) == 1 {
				columns[i] = columns[i].xor(columns[used])
				members[i] = members[i].xor(members[used])
			}
		}
		if target.bit(row) == 1 {
			target = target.xor(columns[used])
			chosen = chosen.xor(members[used])
		}
		used++
	}
	return chosen, target == block{}
}
