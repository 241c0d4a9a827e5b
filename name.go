package secrets

import (
	"fmt"
	"strings"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// A Name names an organization, a secret or a service. It is a label of
// RFC 1123: 1 to 63 lower-case letters, digits and dashes, with a letter or
// digit at both ends. Names are never repaired: another case or a space makes
// another name, or none.
//
//	database-url    ok
//	2fa-key         ok
//	Database_URL    refused
type Name string

const maxName = 63

func compareNames(a, b Name) int { return strings.Compare(string(a), string(b)) }

// ParseName returns s as a Name, or a [*NameError] that says which rule it
// breaks and where. Every method that takes a Name does the same check, so the
// conversion Name(s) is enough for their arguments.
func ParseName(s string) (Name, error) {
	if err := Name(s).check(); err != nil {
		return "", err
	}
	return Name(s), nil
}

// checkAs is check for the error of a call that takes several names.
func (n Name) checkAs(what string) error {
	if err := n.check(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (n Name) check() error {
	if n == "" {
		return &NameError{Rule: "it is empty"}
	}
	if len(n) > maxName {
		return &NameError{Offset: maxName, Rule: "it is longer than 63 bytes"}
	}
	for i := range len(n) {
		switch c := n[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		case c != '-':
			return &NameError{Offset: i, Rule: "only lower-case letters, digits and dashes are allowed"}
		case i == 0 || i == len(n)-1:
			return &NameError{Offset: i, Rule: "a dash may not stand at either end"}
		}
	}
	return nil
}

// EnvName returns the environment variable that a secret goes to unless the
// grant says otherwise: in upper case, with underscores for dashes, and an
// underscore before a leading digit. It gives a variable for every valid name,
// and never the same one for two.
//
//	database-url -> DATABASE_URL
//	2fa-key      -> _2FA_KEY
func EnvName(secret Name) string {
	env := strings.ToUpper(strings.ReplaceAll(string(secret), "-", "_"))
	if env != "" && '0' <= env[0] && env[0] <= '9' {
		return "_" + env
	}
	return env
}

// The storage keys. Names and variables hold no slash, so that no two records
// share a key; names come first, so that one prefix holds all that belongs to
// an organization, and one all that a service may read.
const organizationsPrefix = "orgs/"

func organizationKey(org Name) string    { return organizationsPrefix + string(org) }
func organizationPrefix(org Name) string { return "org/" + string(org) + "/" }

func secretPrefix(org Name) string  { return organizationPrefix(org) + "secret/" }
func accessPrefix(org Name) string  { return organizationPrefix(org) + "access/" }
func servicePrefix(org Name) string { return organizationPrefix(org) + "service/" }

func versionPrefix(org, secret Name) string {
	return organizationPrefix(org) + "version/" + string(secret) + "/"
}

func versionKey(org, secret Name, number uint64) string {
	return versionPrefix(org, secret) + versionName(number)
}

// versionName is of a fixed length, so that versions are listed in order.
func versionName(number uint64) string { return fmt.Sprintf("%016x", number) }

func secretKey(org, secret Name) string   { return secretPrefix(org) + string(secret) }
func accessKey(org, secret Name) string   { return accessPrefix(org) + string(secret) }
func serviceKey(org, service Name) string { return servicePrefix(org) + string(service) }

func serialKey(org, service Name) string {
	return organizationPrefix(org) + "serial/" + string(service)
}

func tokensPrefix(org Name) string { return organizationPrefix(org) + "token/" }

func tokenPrefix(org, service Name) string { return tokensPrefix(org) + string(service) + "/" }

func tokenKey(org, service Name, id crypto.ID) string {
	return tokenPrefix(org, service) + id.String()
}

func rowsPrefix(org Name) string { return organizationPrefix(org) + "env/" }

func rowPrefix(org, service Name) string { return rowsPrefix(org) + string(service) + "/" }

func rowKey(org, service, secret Name) string { return rowPrefix(org, service) + string(secret) }

func variablePrefix(org, service Name) string {
	return organizationPrefix(org) + "var/" + string(service) + "/"
}

// variableKey is in upper case: two variables that differ in case alone are one
// variable on some systems, and a trap on the others.
func variableKey(org, service Name, env string) string {
	return variablePrefix(org, service) + strings.ToUpper(env)
}
