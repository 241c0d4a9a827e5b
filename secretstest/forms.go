package secretstest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A form is a way in which a canary may be written.
type form struct{ name, text string }

// formsOf returns the ways in which canary is looked for.
func formsOf(canary string) []form {
	hexadecimal := fmt.Sprintf("%x", canary)
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	literal := fmt.Sprintf("%#v", []byte(canary))
	literal = strings.TrimSuffix(strings.TrimPrefix(literal, "[]byte{"), "}")
	forms := []form{
		{"as it is", canary},
		{"in hexadecimal", hexadecimal},
		{"in hexadecimal", strings.ToUpper(hexadecimal)},
		{"in hexadecimal", fmt.Sprintf("% x", canary)},
		{"in hexadecimal", fmt.Sprintf("% X", canary)},
		{"as a list of bytes", decimal},
		{"as a list of bytes", strings.ReplaceAll(decimal, " ", ",")},
		{"as a list of bytes", literal},
		{"escaped for a URL", url.QueryEscape(canary)},
		{"escaped for a URL", url.PathEscape(canary)},
	}
	for _, quote := range []func(string) string{strconv.Quote, strconv.QuoteToASCII, quoteJSON, quoteHTMLSafeJSON} {
		once := unquoted(quote, canary)
		forms = append(forms, form{"quoted", once})
		for _, again := range []func(string) string{strconv.Quote, quoteJSON} { // an error in a log line
			forms = append(forms, form{"quoted twice", unquoted(again, once)})
		}
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			forms = append(forms, form{"in base64", base64Core(encoding, canary, offset)})
		}
	}
	return forms
}

func quoteJSON(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string can always be encoded
	return strings.TrimSpace(b.String())
}

func quoteHTMLSafeJSON(s string) string {
	b, _ := json.Marshal(s) // a string can always be encoded
	return string(b)
}

// unquoted returns s as quote writes it, without the quotes around it.
func unquoted(quote func(string) string, s string) string {
	quoted := quote(s)
	return quoted[1 : len(quoted)-1]
}

// base64Core returns the digits that stand for s and nothing else when it
// begins offset bytes after a group of three, whatever stands around it. A
// digit is 6 bits, so the one that also holds bits of a neighbour is left out.
func base64Core(encoding *base64.Encoding, s string, offset int) string {
	digits := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + s))
	first := []int{0, 2, 3}[offset]
	last := len(digits)
	if (offset+len(s))%3 != 0 {
		last--
	}
	return digits[first:last]
}
