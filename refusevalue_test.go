package secrets_test

import (
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets"
)

// TestValuesThatAreEmptyOrTooLargeAreRefused is not parallel: it captures what
// is printed.
func TestValuesThatAreEmptyOrTooLargeAreRefused(t *testing.T) {
	f := newFixture(t)
	f.give(t, "a", canary)
	large := strings.Repeat(canary, secrets.MaxValue/len(canary)+1)
	for _, bad := range []struct {
		what  string
		value secrets.Value
		is    error
	}{
		{"zero", secrets.Value{}, secrets.ErrValueEmpty},
		{"empty text", secrets.Text(""), secrets.ErrValueEmpty},
		{"nil bytes", secrets.Bytes(nil), secrets.ErrValueEmpty},
		{"a byte too many", secrets.Text(large[:secrets.MaxValue+1]), secrets.ErrValueTooLarge},
		{"far too many", secrets.Text(strings.Repeat(large, 64)), secrets.ErrValueTooLarge},
	} {
		t.Run(bad.what, func(t *testing.T) {
			calls := append(valueCalls(f.org, "a", bad.value), valueCalls(f.org, "new", bad.value)...)
			wantRefused(t, f, bad.is, calls)
		})
	}
	want(t, lookup(t.Context(), f.api, "A"), canary)
}

func TestValuesUpToTheLimitComeBackByteForByte(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "first")
	session := f.connect(t, f.token(t))
	var every strings.Builder
	for b := range 255 {
		every.WriteByte(byte(b + 1)) // NUL goes to no variable
	}
	for _, value := range []string{
		"x", " ", "\n", "$HOME `id` %s \"'", every.String(),
		strings.Repeat("m", secrets.MaxValue-1), strings.Repeat("\xff", secrets.MaxValue),
	} {
		if _, err := f.org.UpdateSecret(t.Context(), "a", secrets.Text(value), nil); err != nil {
			t.Fatal(err)
		}
		revealed, err := f.org.RevealSecret(t.Context(), "a")
		if err != nil || revealed.Reveal() != value {
			t.Errorf("%d bytes: reveals something else, %v", len(value), err)
		}
		for _, source := range []secrets.Source{f.api, session} {
			if lookup(t.Context(), source, "A") != value {
				t.Errorf("%d bytes: %T reads something else", len(value), source)
			}
		}
	}
}
