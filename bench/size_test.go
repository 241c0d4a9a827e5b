package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSymbolsAreSplitIntoPackageAndFunction(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string][2]string{
		"main.main":                                                  {"main", "main"},
		"github.com/caarlos0/env/v11.Parse":                          {"github.com/caarlos0/env/v11", "Parse"},
		"gopkg.in/yaml%2ev3.(*Node).Encode.func1":                    {"gopkg.in/yaml.v3", "(*Node).Encode"},
		"github.com/jackc/pgx/v5.CollectRows[go.shape.struct { X }]": {"github.com/jackc/pgx/v5", "CollectRows"},
		"_start": {"_start", ""},
	} {
		if pkg, function := splitSymbol(symbol); [2]string{pkg, function} != want {
			t.Errorf("%s: %q and %q, want %q", symbol, pkg, function, want)
		}
	}
}

func TestUsageFindsWhatOurFilesMention(t *testing.T) {
	t.Parallel()
	list, err := usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, needed := map[string][]string{}, map[string]string{}
	for _, u := range list {
		found[u.Package], needed[u.Package] = u.Names, u.Needed
	}
	if by := needed["go.uber.org/zap"]; by == "" || strings.HasPrefix(by, ourPath) {
		t.Errorf("zap is said to be compiled for %q, want a package of etcd", by)
	}
	if by := needed["github.com/fxamacker/cbor/v2"]; by != "" {
		t.Errorf("the CBOR package is said to be compiled for %q, want for us alone", by)
	}
	for pkg, name := range map[string]string{
		"github.com/fxamacker/cbor/v2":           "CoreDetEncOptions",
		"github.com/ncruces/go-sqlite3":          "OpenFlags",
		"github.com/tink-crypto/tink-go/v2/tink": "AEAD",
		"go.etcd.io/etcd/client/v3":              "Client",
	} {
		if !slices.Contains(found[pkg], name) {
			t.Errorf("%s is said to be used for %q, which lacks %s", pkg, found[pkg], name)
		}
	}
}

func TestNoPackageIsCompiledForOneNameOfIt(t *testing.T) {
	t.Parallel()
	list, err := usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if len(u.Names) < 2 && u.Needed == "" {
			t.Errorf("%s is compiled for %q alone", u.Package, u.Names)
		}
	}
}
